//! Who is connected as a producer or consumer of which group (`ProducerManager`,
//! `ConsumerManager`).
//!
//! Invariant: a client is a member of a group through one connection, the one it last said so on;
//! when that ends or 120 s bring no heartbeat, it is a member no more.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use parking_lot::Mutex;

use crate::clock::{Clock, Moment};
use crate::message::TopicName;
use crate::message::subscription::{SelectorType, Subscription, TagExpression};
use crate::remoting::{Peer, PeerId};
use crate::wire::Language;
use crate::wire::body::{
    Connection, ConsumerConnection, ConsumerData, MessageModel, ProducerConnection,
    SubscriptionData,
};

/// `channelExpiredTimeout`.
const EXPIRY: Duration = Duration::from_mins(2);

/// A client that says it is there.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) client_id: ByteString,
    pub(super) peer: Peer,
    pub(super) language: Language,
    pub(super) version: i32,
}

#[derive(Debug)]
struct Member {
    caller: Caller,
    seen: Moment,
}

impl Member {
    fn connection(&self) -> Connection {
        let address = self.caller.peer.address();
        Connection {
            // A client that came over IPv4 to a socket for both families is shown as IPv4.
            client_addr: SocketAddr::new(address.ip().to_canonical(), address.port())
                .to_string()
                .into(),
            client_id: self.caller.client_id.clone(),
            language: self.caller.language,
            version: self.caller.version,
        }
    }
}

/// A consumer group with somebody in it.
#[derive(Debug, Default)]
struct Consumers {
    /// What the last heartbeat said, but for its subscriptions.
    data: ConsumerData,
    /// By client id: rebalancing wants them in order.
    members: BTreeMap<ByteString, Member>,
    subscriptions: HashMap<TopicName, Arc<Subscription>>,
}

#[derive(Debug, Default)]
struct Table {
    consumers: HashMap<ByteString, Consumers>,
    producers: HashMap<ByteString, BTreeMap<ByteString, Member>>,
}

/// A group whose queues must be shared anew, and who must be told.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) group: ByteString,
    pub(super) members: Vec<Peer>,
}

/// What a group wants of a topic, as far as its members said.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) model: MessageModel,
    pub(super) subscription: Option<Arc<Subscription>>,
}

/// What became of a heartbeat.
#[derive(Debug)]
pub(super) struct Registered {
    /// Somebody must be told.
    pub(super) change: Option<Change>,
    /// The broker does not know what the member wants.
    pub(super) incomplete: bool,
}

/// The connected clients.
#[derive(Debug)]
pub(super) struct Peers {
    table: Mutex<Table>,
    clock: Clock,
}

impl Consumers {
    /// The change that the others must be told of; nobody shares queues when all get everything.
    fn change(&self, group: &ByteString) -> Option<Change> {
        if self.data.message_model == MessageModel::Broadcasting {
            return None;
        }
        let members = self
            .members
            .values()
            .map(|member| member.caller.peer.clone())
            .collect();
        Some(Change {
            group: group.clone(),
            members,
        })
    }

    /// Takes over what a member wants: the newest version of each topic counts, topics it does not
    /// name are no longer wanted. Says whether topics came or went.
    fn subscribe(&mut self, wanted: &[SubscriptionData]) -> bool {
        let mut changed = false;
        let mut named = Vec::with_capacity(wanted.len());
        for data in wanted {
            let Some(subscription) = subscription_of(data) else {
                continue;
            };
            let topic = subscription.topic.clone();
            let known = self.subscriptions.get(&topic).map(|known| known.version);
            changed |= known.is_none();
            if known.is_none_or(|known| subscription.version > known) {
                self.subscriptions
                    .insert(topic.clone(), Arc::new(subscription));
            }
            named.push(topic);
        }
        let before = self.subscriptions.len();
        self.subscriptions.retain(|topic, _| named.contains(topic));
        changed || self.subscriptions.len() != before
    }
}

/// Tags are hashed anew: the codes that C++ clients send are zeros.
fn subscription_of(data: &SubscriptionData) -> Option<Subscription> {
    let topic = TopicName::new(data.topic.clone()).ok()?;
    let selector = SelectorType::from_wire(Some(&data.expression_type))?;
    let all = data.sub_string == "*" || data.sub_string.trim().is_empty();
    let tags = if selector == SelectorType::Tag && !all && data.tags_set.is_empty() {
        TagExpression::parse(&data.sub_string).ok()?
    } else if all {
        TagExpression::default()
    } else {
        TagExpression::of(data.tags_set.clone())
    };
    Some(Subscription {
        topic,
        expression: data.sub_string.clone(),
        selector,
        tags,
        version: data.sub_version,
    })
}

impl Peers {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            table: Mutex::default(),
            clock,
        }
    }

    /// A heartbeat of a consumer. `data.subscription_data_set` counts unless `brief`.
    pub(super) fn consumer(&self, caller: &Caller, data: &ConsumerData, brief: bool) -> Registered {
        let seen = self.clock.moment();
        let mut table = self.table.lock();
        let group = table.consumers.entry(data.group_name.clone()).or_default();
        group.data = ConsumerData {
            subscription_data_set: Vec::new(),
            ..data.clone()
        };
        let member = Member {
            caller: caller.clone(),
            seen,
        };
        let before = group.members.insert(caller.client_id.clone(), member);
        let is_new = before.is_none_or(|before| before.caller.peer.id() != caller.peer.id());
        let moved = !brief && group.subscribe(&data.subscription_data_set);
        let incomplete = brief && (is_new || group.subscriptions.is_empty());
        let change = (is_new || moved)
            .then(|| group.change(&data.group_name))
            .flatten();
        Registered { change, incomplete }
    }

    /// A heartbeat of a producer.
    pub(super) fn producer(&self, caller: &Caller, group: &ByteString) {
        let member = Member {
            caller: caller.clone(),
            seen: self.clock.moment(),
        };
        let mut table = self.table.lock();
        let members = table.producers.entry(group.clone()).or_default();
        members.insert(caller.client_id.clone(), member);
    }

    /// A client leaves a consumer group.
    pub(super) fn leave(&self, client_id: &str, group: &str) -> Option<Change> {
        let mut table = self.table.lock();
        let consumers = table.consumers.get_mut(group)?;
        consumers.members.remove(client_id)?;
        let change = consumers.change(&group.into());
        table.forget_empty();
        change
    }

    /// A client stops to be a producer of a group.
    pub(super) fn leave_producers(&self, client_id: &str, group: &str) {
        let mut table = self.table.lock();
        if let Some(members) = table.producers.get_mut(group) {
            members.remove(client_id);
        }
        table.forget_empty();
    }

    /// A connection has ended: its clients leave all groups.
    pub(super) fn gone(&self, peer: PeerId) -> Vec<Change> {
        self.table
            .lock()
            .remove(|member| member.caller.peer.id() == peer)
    }

    /// Removes who has been silent for too long and ends their connections.
    pub(super) fn expire(&self) -> Vec<Change> {
        let now = self.clock.moment();
        self.table.lock().remove(|member| {
            let silent = now.since(member.seen) > EXPIRY;
            if silent {
                member.caller.peer.close();
            }
            silent
        })
    }

    /// The members of a group by client id, in order.
    pub(super) fn members(&self, group: &str) -> Vec<ByteString> {
        let table = self.table.lock();
        let group = table.consumers.get(group);
        group
            .map(|group| group.members.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// What a group wants of a topic; `None` when nobody of the group is there.
    pub(super) fn wanted(&self, group: &str, topic: &str) -> Option<Wanted> {
        let table = self.table.lock();
        let group = table.consumers.get(group)?;
        let subscription = group.subscriptions.get(topic).map(Arc::clone);
        Some(Wanted {
            model: group.data.message_model,
            subscription,
        })
    }

    /// The connections of a consumer group; `None` when nobody of the group is there.
    pub(super) fn consumer_connections(&self, group: &str) -> Option<ConsumerConnection> {
        let table = self.table.lock();
        let group = table.consumers.get(group)?;
        let subscription = |(topic, subscription): (&TopicName, &Arc<Subscription>)| {
            (topic.to_text(), SubscriptionData::from(&**subscription))
        };
        Some(ConsumerConnection {
            connection_set: group.members.values().map(Member::connection).collect(),
            consume_from_where: group.data.consume_from_where,
            consume_type: group.data.consume_type,
            message_model: group.data.message_model,
            subscription_table: group.subscriptions.iter().map(subscription).collect(),
        })
    }

    /// The connections of a producer group; `None` when nobody of the group is there.
    pub(super) fn producer_connections(&self, group: &str) -> Option<ProducerConnection> {
        let table = self.table.lock();
        let members = table.producers.get(group)?;
        let connection_set = members.values().map(Member::connection).collect();
        Some(ProducerConnection { connection_set })
    }

    /// The groups with a member that wants the topic.
    pub(super) fn groups_wanting(&self, topic: &str) -> BTreeSet<ByteString> {
        let table = self.table.lock();
        let wanting = table
            .consumers
            .iter()
            .filter(|(_, group)| group.subscriptions.contains_key(topic));
        wanting.map(|(name, _)| name.clone()).collect()
    }

    /// Whether the members of a group say what they want, and it is not this topic.
    pub(super) fn does_not_want(&self, group: &str, topic: &str) -> bool {
        let table = self.table.lock();
        table.consumers.get(group).is_some_and(|group| {
            !group.subscriptions.is_empty() && !group.subscriptions.contains_key(topic)
        })
    }

    /// How many consumers and producers there are.
    pub(super) fn count(&self) -> (usize, usize) {
        let table = self.table.lock();
        (
            table
                .consumers
                .values()
                .map(|group| group.members.len())
                .sum(),
            table.producers.values().map(BTreeMap::len).sum(),
        )
    }
}

impl Table {
    fn remove(&mut self, mut leaves: impl FnMut(&Member) -> bool) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, group) in &mut self.consumers {
            let before = group.members.len();
            group.members.retain(|_, member| !leaves(member));
            if group.members.len() != before {
                changes.extend(group.change(name));
            }
        }
        for members in self.producers.values_mut() {
            members.retain(|_, member| !leaves(member));
        }
        self.forget_empty();
        changes
    }

    fn forget_empty(&mut self) {
        self.consumers.retain(|_, group| !group.members.is_empty());
        self.producers.retain(|_, members| !members.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(clock: &Clock, id: u64, client_id: &'static str) -> Caller {
        let address = "127.0.0.1:1".parse().unwrap();
        let (peer, _) = Peer::new(PeerId(id), address, 1, clock.clone());
        Caller {
            client_id: ByteString::from_static(client_id),
            peer,
            language: Language::Java,
            version: 479,
        }
    }

    fn data(topics: &[(&'static str, &'static str, i64)]) -> ConsumerData {
        let wanted =
            |(topic, expression, version): &(&'static str, &'static str, i64)| SubscriptionData {
                topic: ByteString::from_static(topic),
                sub_string: ByteString::from_static(expression),
                sub_version: *version,
                ..SubscriptionData::default()
            };
        ConsumerData {
            group_name: ByteString::from_static("g"),
            subscription_data_set: topics.iter().map(wanted).collect(),
            ..ConsumerData::default()
        }
    }

    #[test]
    fn members_are_told_when_somebody_comes_or_goes_and_when_topics_change() {
        let clock = Clock::manual(0);
        let peers = Peers::new(clock.clone());
        let (a, b) = (caller(&clock, 1, "a"), caller(&clock, 2, "b"));
        let told = |registered: Registered| registered.change.map(|change| change.members.len());
        let orders = data(&[("orders", "*", 1)]);

        assert_eq!(told(peers.consumer(&a, &orders, false)), Some(1));
        assert_eq!(told(peers.consumer(&b, &orders, false)), Some(2));
        assert_eq!(told(peers.consumer(&b, &orders, false)), None);
        assert_eq!(peers.members("g"), ["a", "b"]);

        let more = data(&[("orders", "*", 1), ("stock", "*", 1)]);
        assert_eq!(told(peers.consumer(&b, &more, false)), Some(2));
        assert_eq!(told(peers.consumer(&b, &orders, false)), Some(2));

        assert_eq!(peers.gone(PeerId(1)).len(), 1);
        assert_eq!(peers.members("g"), ["b"]);
        assert_eq!(peers.leave("b", "g").unwrap().members.len(), 0);
        assert!(peers.wanted("g", "orders").is_none());
    }

    #[test]
    fn a_client_that_reconnects_does_not_leave_with_its_old_connection() {
        let clock = Clock::manual(0);
        let peers = Peers::new(clock.clone());
        let orders = data(&[("orders", "*", 1)]);
        peers.consumer(&caller(&clock, 1, "a"), &orders, false);

        let again = peers.consumer(&caller(&clock, 2, "a"), &orders, false);

        assert!(again.change.is_some());
        assert!(peers.gone(PeerId(1)).is_empty());
        assert_eq!(peers.members("g"), ["a"]);
    }

    #[test]
    fn the_newest_subscription_counts_and_tags_are_hashed_here() {
        let clock = Clock::manual(0);
        let peers = Peers::new(clock.clone());
        let a = caller(&clock, 1, "a");
        peers.consumer(&a, &data(&[("orders", "new || paid", 5)]), false);
        peers.consumer(&a, &data(&[("orders", "*", 4)]), false);

        let wanted = peers.wanted("g", "orders").unwrap().subscription.unwrap();

        assert_eq!(wanted.version, 5);
        assert!(
            wanted
                .tags
                .may_match(crate::message::java_hash("paid").into())
        );
        assert!(!wanted.tags.may_match(0));
    }

    #[test]
    fn a_brief_heartbeat_keeps_subscriptions_and_asks_for_them_when_there_are_none() {
        let clock = Clock::manual(0);
        let peers = Peers::new(clock.clone());
        let a = caller(&clock, 1, "a");

        assert!(peers.consumer(&a, &data(&[]), true).incomplete);
        peers.consumer(&a, &data(&[("orders", "*", 1)]), false);
        assert!(!peers.consumer(&a, &data(&[]), true).incomplete);
        assert!(peers.wanted("g", "orders").unwrap().subscription.is_some());
    }

    #[tokio::test]
    async fn who_is_silent_for_two_minutes_is_a_member_no_more() {
        let clock = Clock::manual(0);
        let peers = Peers::new(clock.clone());
        let (a, b) = (caller(&clock, 1, "a"), caller(&clock, 2, "b"));
        peers.consumer(&a, &data(&[]), false);
        peers.producer(&b, &ByteString::from_static("p"));
        clock.advance(Duration::from_secs(100)).await;
        peers.consumer(&a, &data(&[]), false);
        clock.advance(Duration::from_secs(30)).await;

        assert!(peers.expire().is_empty());
        assert_eq!(peers.count(), (1, 0));
        assert!(b.peer.is_closed());
        clock.advance(Duration::from_secs(100)).await;
        assert_eq!(peers.expire().len(), 1);
    }
}
