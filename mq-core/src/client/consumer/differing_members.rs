//! Says when other members of the group subscribe to something else: members share the queues all
//! the same, so a message is passed over where the member that has its queue does not want it.
//!
//! Invariant: nothing waits for the answers, and a broker that gives none is passed over.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;

use super::core::Core;
use crate::client::routes::MASTER;
use crate::excerpt::{excerpt, list};
use crate::message::subscription::{Difference, Subscription, differences, summary};
use crate::wire::body::{ConsumerConnection, SubscriptionData};
use crate::wire::fastjson;
use crate::wire::header::GetConsumerConnectionList;

/// Looks whenever members have changed, until it is dropped.
pub(super) async fn watch(core: Arc<Core>) {
    loop {
        core.mixed.due.notified().await;
        for address in brokers(&core) {
            let request = GetConsumerConnectionList {
                consumer_group: core.config.group.to_text(),
            };
            let answer = core.cluster.call(&address, request, Bytes::new()).await;
            match answer.map(|reply| fastjson::read::<ConsumerConnection>(&reply.body)) {
                Ok(Ok(group)) => compare(&core, &address, &group),
                Ok(Err(error)) => tracing::debug!(%address, %error, "no connections of the group"),
                Err(error) => tracing::debug!(%address, %error, "no connections of the group"),
            }
        }
    }
}

/// The brokers of the topics that we subscribe to.
fn brokers(core: &Core) -> BTreeSet<ByteString> {
    let topics = core.subscriptions.keys().filter(|topic| !topic.is_retry());
    let routes = topics.filter_map(|topic| core.cluster.known_route(topic));
    let mut addresses = BTreeSet::new();
    for route in routes.filter(|route| !route.from_template) {
        let masters = route
            .brokers
            .values()
            .filter_map(|broker| broker.get(&MASTER));
        addresses.extend(masters.cloned());
    }
    addresses
}

/// An Apache broker knows of a group what the last heartbeat of any member said, ours what all
/// members want: either shows what others want beside us, sooner or later.
fn compare(core: &Core, address: &str, group: &ConsumerConnection) {
    let me = &core.cluster.client_id;
    let others = group
        .connection_set
        .iter()
        .filter(|other| other.client_id != *me);
    let others: Vec<_> = others
        .map(|other| {
            let (id, address) = (excerpt(&other.client_id), excerpt(&other.client_addr));
            format!("{id} at {address}")
        })
        .collect();
    let table = group.subscription_table.values();
    let theirs: Option<Vec<Subscription>> = table.map(SubscriptionData::to_subscription).collect();
    let Some(theirs) = theirs.filter(|theirs| !theirs.is_empty() && !others.is_empty()) else {
        return;
    };
    let found = differences(core.subscriptions.values(), &theirs);
    if found.is_empty() || !core.mixed.is_news(&summary(&found)) {
        return;
    }
    let another = match others.as_slice() {
        [only] => only.as_str(),
        _ => "another member",
    };
    let consequences: Vec<_> = found
        .iter()
        .map(|difference| consequence(difference, me, another))
        .collect();
    tracing::warn!(
        group = %core.config.group,
        client = %me,
        broker = address,
        members = list(&others, ", "),
        "members of the group share the queues of all its topics, and subscribe to different things: {}; \
         give all members the same subscriptions, or each program a group of its own",
        list(&consequences, "; ")
    );
}

/// What becomes of messages because this client, `me`, and `another` differ.
fn consequence(difference: &Difference, me: &str, another: &str) -> String {
    let topic = &difference.topic;
    let unread = |by: &str| {
        format!(
            "queues of `{topic}` that fall to {by} are read by nobody while it is in the group, for it does \
             not subscribe to `{topic}`"
        )
    };
    match (&difference.first, &difference.second) {
        (Some(mine), Some(theirs)) => format!(
            "messages of `{topic}` are passed over where a member that does not want them has their \
             queue: this client wants `{}`, the group `{}`",
            excerpt(mine),
            excerpt(theirs)
        ),
        (None, _) => unread(me),
        (Some(_), None) => unread(another),
    }
}
