//! Warns when members of the group have different subscriptions: rebalancing shares the queues all
//! the same, so a message is lost when the owner of its queue filters it out.
//!
//! Invariant: consuming never waits for this check; a broker that does not respond is skipped.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;

use super::core::Core;
use crate::client::routes::MASTER_ID;
use crate::excerpt::{excerpt, list};
use crate::message::subscription::{Difference, Subscription, differences, summary};
use crate::wire::body::{ConsumerConnection, SubscriptionData};
use crate::wire::fastjson;
use crate::wire::header::GetConsumerConnectionList;

/// Compares whenever members have changed, until it is dropped.
pub(super) async fn watch(core: Arc<Core>) {
    loop {
        core.subscription_check.due.notified().await;
        for address in brokers(&core) {
            let request = GetConsumerConnectionList {
                consumer_group: core.config.group.to_text(),
            };
            let answer = core.cluster.call(&address, request, Bytes::new()).await;
            match answer.map(|reply| fastjson::read::<ConsumerConnection>(&reply.body)) {
                Ok(Ok(group)) => compare(&core, &address, &group),
                Ok(Err(error)) => {
                    tracing::debug!(%address, %error, "the connections of the group could not be read");
                }
                Err(error) => {
                    tracing::debug!(%address, %error, "the connections of the group could not be read");
                }
            }
        }
    }
}

/// The brokers of the subscribed topics.
fn brokers(core: &Core) -> BTreeSet<ByteString> {
    let topics = core.subscriptions.keys().filter(|topic| !topic.is_retry());
    let routes = topics.filter_map(|topic| core.cluster.known_route(topic));
    let mut addresses = BTreeSet::new();
    for route in routes.filter(|route| !route.from_template) {
        let masters = route
            .brokers
            .values()
            .filter_map(|broker| broker.get(&MASTER_ID));
        addresses.extend(masters.cloned());
    }
    addresses
}

/// Apache's broker returns the subscriptions of the last heartbeat of any member, ours those of all
/// members: with either, a difference is found sooner or later.
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
    if found.is_empty() || !core.subscription_check.is_new(&summary(&found)) {
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
        "members of the group share the queues of all its topics, but subscribe to different things: {}; \
             give all members the same subscriptions, or each program a group of its own",
        list(&consequences, "; ")
    );
}

/// What happens to messages because this client, `me`, and `another` differ.
fn consequence(difference: &Difference, me: &str, another: &str) -> String {
    let topic = &difference.topic;
    let unread = |by: &str| {
        format!(
            "queues of `{topic}` that are assigned to {by} are read by no member, because it does \
                 not subscribe to `{topic}`"
        )
    };
    match (&difference.first, &difference.second) {
        (Some(mine), Some(theirs)) => format!(
            "messages of `{topic}` are lost where the owner of their queue filters them out: \
                 this client subscribes to `{}`, the group to `{}`",
            excerpt(mine),
            excerpt(theirs)
        ),
        (None, _) => unread(me),
        (Some(_), None) => unread(another),
    }
}
