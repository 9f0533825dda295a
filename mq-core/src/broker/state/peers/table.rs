//! The groups and their members.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use bytestring::ByteString;
use parking_lot::Mutex;

use super::consumers::{Consumers, Heard, Wish};
use super::member::{Caller, Change, Member};
use crate::clock::Clock;
use crate::remoting::{Peer, PeerId};
use crate::wire::body::{ConsumerConnection, ConsumerData, MessageModel, ProducerConnection};

/// `channelExpiredTimeout`.
const EXPIRY: Duration = Duration::from_mins(2);

#[derive(Debug, Default)]
struct Table {
    consumers: HashMap<ByteString, Consumers>,
    /// By group, by connection.
    producers: HashMap<ByteString, BTreeMap<PeerId, Member>>,
}

/// The connected clients.
#[derive(Debug)]
pub(in crate::broker) struct Peers {
    table: Mutex<Table>,
    clock: Clock,
}

impl Peers {
    pub(in crate::broker) fn new(clock: Clock) -> Self {
        Self {
            table: Mutex::default(),
            clock,
        }
    }

    /// A heartbeat of a consumer. `data.subscription_data_set` counts unless `brief`.
    pub(in crate::broker) fn consumer(
        &self,
        caller: &Caller,
        data: &ConsumerData,
        brief: bool,
    ) -> (Heard, Option<Change>) {
        let seen = self.clock.moment();
        let mut table = self.table.lock();
        let group = table.consumers.entry(data.group_name.clone()).or_default();
        let heard = group.hear(caller, data, brief, seen);
        let change = heard
            .moved
            .then(|| group.change(&data.group_name))
            .flatten();
        (heard, change)
    }

    /// A heartbeat of a producer.
    pub(in crate::broker) fn producer(&self, caller: &Caller, group: &ByteString) {
        let member = Member {
            caller: caller.clone(),
            seen: self.clock.moment(),
        };
        let mut table = self.table.lock();
        let members = table.producers.entry(group.clone()).or_default();
        members.insert(caller.peer.id(), member);
    }

    /// A connection is a member of a consumer group no more.
    pub(in crate::broker) fn leave(&self, peer: PeerId, group: &str) -> Option<Change> {
        let mut table = self.table.lock();
        let consumers = table.consumers.get_mut(group)?;
        let moved = consumers.remove(&|member| member.caller.peer.id() == peer);
        let change = moved.then(|| consumers.change(&group.into())).flatten();
        table.forget_empty();
        change
    }

    /// A connection is a producer of a group no more.
    pub(in crate::broker) fn leave_producers(&self, peer: PeerId, group: &str) {
        let mut table = self.table.lock();
        if let Some(members) = table.producers.get_mut(group) {
            members.remove(&peer);
        }
        table.forget_empty();
    }

    /// A connection has ended: it leaves all groups.
    pub(in crate::broker) fn gone(&self, peer: PeerId) -> Vec<Change> {
        self.table
            .lock()
            .remove(|member| member.caller.peer.id() == peer)
    }

    /// Removes who has been silent for too long and ends their connections.
    pub(in crate::broker) fn expire(&self) -> Vec<Change> {
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
    pub(in crate::broker) fn members(&self, group: &str) -> Vec<ByteString> {
        let table = self.table.lock();
        let ids = table.consumers.get(group).map(Consumers::client_ids);
        ids.unwrap_or_default().into_iter().collect()
    }

    /// The client id of a member, or else the address that it has without the port.
    pub(in crate::broker) fn client_of(&self, group: &str, peer: &Peer) -> ByteString {
        let table = self.table.lock();
        let group = table.consumers.get(group);
        let known = group.and_then(|group| group.client_of(peer.id()));
        known.map_or_else(
            || peer.address().ip().to_canonical().to_string().into(),
            ByteString::clone,
        )
    }

    /// How the asker consumes; `None` when nobody of the group is there.
    pub(in crate::broker) fn model(&self, group: &str, asker: PeerId) -> Option<MessageModel> {
        let table = self.table.lock();
        table.consumers.get(group).map(|group| group.model(asker))
    }

    /// What the asker wants of a topic; `version` is what its pull says, 0 when it says none.
    pub(in crate::broker) fn wish(
        &self,
        group: &str,
        asker: PeerId,
        topic: &str,
        version: i64,
    ) -> Wish {
        let table = self.table.lock();
        let group = table.consumers.get(group);
        group.map_or(Wish::Nothing, |group| group.wish(asker, topic, version))
    }

    /// The connections of a consumer group; `None` when nobody of the group is there.
    pub(in crate::broker) fn consumer_connections(
        &self,
        group: &str,
    ) -> Option<ConsumerConnection> {
        let table = self.table.lock();
        table.consumers.get(group).map(Consumers::connections)
    }

    /// The connections of a producer group; `None` when nobody of the group is there.
    pub(in crate::broker) fn producer_connections(
        &self,
        group: &str,
    ) -> Option<ProducerConnection> {
        let table = self.table.lock();
        let members = table.producers.get(group)?;
        let connection_set = members.values().map(Member::connection).collect();
        Some(ProducerConnection { connection_set })
    }

    /// The groups with a member that wants the topic.
    pub(in crate::broker) fn groups_wanting(&self, topic: &str) -> BTreeSet<ByteString> {
        let table = self.table.lock();
        let groups = table.consumers.iter();
        let wanting = groups.filter(|(_, group)| group.wants(topic));
        wanting.map(|(name, _)| name.clone()).collect()
    }

    /// Who has an offset in the topic and is here: groups, and each member that broadcasts.
    pub(in crate::broker) fn readers_of(&self, topic: &str) -> BTreeSet<ByteString> {
        let table = self.table.lock();
        let groups = table.consumers.iter();
        groups
            .flat_map(|(name, group)| group.readers(name, topic))
            .collect()
    }

    /// Who has an offset in what the asker reads: the `group`, or the asker when it broadcasts.
    pub(in crate::broker) fn reader(&self, group: &ByteString, asker: PeerId) -> ByteString {
        let table = self.table.lock();
        let members = table.consumers.get(group);
        members.map_or_else(|| group.clone(), |members| members.reader(group, asker))
    }

    /// Whether the members of a group say what they want, and it is not this topic.
    pub(in crate::broker) fn does_not_want(&self, group: &str, topic: &str) -> bool {
        let table = self.table.lock();
        let group = table.consumers.get(group);
        group.is_some_and(|group| !group.topics().is_empty() && !group.wants(topic))
    }

    /// How many connections of consumers and of producers there are.
    pub(in crate::broker) fn count(&self) -> (usize, usize) {
        let table = self.table.lock();
        (
            table.consumers.values().map(Consumers::count).sum(),
            table.producers.values().map(BTreeMap::len).sum(),
        )
    }
}

impl Table {
    fn remove(&mut self, leaves: impl Fn(&Member) -> bool) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, group) in &mut self.consumers {
            if group.remove(&leaves) {
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
        self.consumers.retain(|_, group| !group.is_empty());
        self.producers.retain(|_, members| !members.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::state::peers::member::Mixed;
    use crate::wire::Language;
    use crate::wire::body::SubscriptionData;

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

    fn says(peers: &Peers, caller: &Caller, topics: &[(&'static str, &'static str, i64)]) {
        peers.consumer(caller, &data(topics), false);
    }

    /// The tags that a pull wants; `None` when that is not known.
    fn wish(peers: &Peers, asker: &Caller, version: i64) -> Option<String> {
        match peers.wish("g", asker.peer.id(), "orders", version) {
            Wish::Said(subscription) => Some(subscription.filter.to_string()),
            Wish::Unsaid | Wish::Nothing => None,
        }
    }

    #[test]
    fn members_are_told_when_somebody_comes_or_goes_and_when_topics_change() {
        let clock = Clock::manual(0);
        let peers = Peers::new(clock.clone());
        let (a, b) = (caller(&clock, 1, "a"), caller(&clock, 2, "b"));
        let told = |(_, change): (Heard, Option<Change>)| change.map(|change| change.members.len());
        let orders = data(&[("orders", "*", 1)]);

        assert_eq!(told(peers.consumer(&a, &orders, false)), Some(1));
        assert_eq!(told(peers.consumer(&b, &orders, false)), Some(2));
        assert_eq!(told(peers.consumer(&b, &orders, false)), None);
        assert_eq!(peers.members("g"), ["a", "b"]);

        let more = data(&[("orders", "*", 1), ("stock", "*", 1)]);
        assert_eq!(told(peers.consumer(&b, &more, false)), Some(2));
        assert_eq!(told(peers.consumer(&a, &orders, false)), None);
        assert_eq!(told(peers.consumer(&b, &orders, false)), Some(2));

        assert_eq!(peers.gone(PeerId(1)).len(), 1);
        assert_eq!(peers.members("g"), ["b"]);
        assert_eq!(peers.leave(PeerId(2), "g").unwrap().members.len(), 0);
        assert!(peers.model("g", PeerId(2)).is_none());
    }

    #[test]
    fn a_client_that_reconnects_does_not_leave_with_its_old_connection() {
        let clock = Clock::manual(0);
        let peers = Peers::new(clock.clone());
        let orders = data(&[("orders", "*", 1)]);
        peers.consumer(&caller(&clock, 1, "a"), &orders, false);

        let (_, again) = peers.consumer(&caller(&clock, 2, "a"), &orders, false);

        assert!(again.is_some());
        assert_eq!(peers.members("g"), ["a"]);
        assert!(peers.gone(PeerId(1)).is_empty());
        assert_eq!(peers.members("g"), ["a"]);
    }

    /// A process that was started anew under the client id of the one before it got nothing until
    /// its next heartbeat: the old one took it out of the group when it left.
    #[test]
    fn who_leaves_takes_another_connection_with_its_client_id_out_of_no_group() {
        for old_speaks_last in [false, true] {
            let clock = Clock::manual(0);
            let peers = Peers::new(clock.clone());
            let (old, new) = (caller(&clock, 1, "a"), caller(&clock, 2, "a"));
            let group = ByteString::from_static("p");
            let mut order = [&old, &new];
            if old_speaks_last {
                order.reverse();
            }
            for caller in order {
                says(&peers, caller, &[("orders", "*", 1)]);
                peers.producer(caller, &group);
            }

            assert!(peers.leave(PeerId(1), "g").is_none());
            peers.leave_producers(PeerId(1), "p");

            assert_eq!(peers.members("g"), ["a"]);
            assert_eq!(peers.count(), (1, 1), "{old_speaks_last}");
            assert_eq!(wish(&peers, &new, 1).as_deref(), Some("*"));
            peers.leave(PeerId(2), "g");
            peers.leave_producers(PeerId(2), "p");
            assert_eq!(peers.count(), (0, 0));
        }
    }

    /// A rolling change of tags from `A` to `A || B` by a machine whose clock is behind: the group
    /// was never empty, so the broker kept `A` for ever and passed B's messages over.
    #[test]
    fn what_a_member_wants_is_what_it_said_whatever_version_others_gave() {
        let clock = Clock::manual(0);
        let peers = Peers::new(clock.clone());
        let (old, new) = (caller(&clock, 1, "old"), caller(&clock, 2, "new"));
        let stranger = caller(&clock, 3, "stranger");
        says(&peers, &old, &[("orders", "A", 9)]);
        says(&peers, &new, &[("orders", "A || B", 5)]);

        assert_eq!(wish(&peers, &old, 9).as_deref(), Some("A"));
        assert_eq!(wish(&peers, &new, 5).as_deref(), Some("A || B"));
        assert_eq!(wish(&peers, &stranger, 5).as_deref(), Some("A || B"));
        assert_eq!(wish(&peers, &stranger, 10), None);

        peers.leave(PeerId(1), "g");
        assert_eq!(wish(&peers, &new, 5).as_deref(), Some("A || B"));
        assert_eq!(wish(&peers, &stranger, 9), None);
        let shown = peers.consumer_connections("g").unwrap();
        let shown = &shown.subscription_table["orders"];
        assert_eq!((&*shown.sub_string, shown.sub_version), ("A || B", 5));
    }

    /// After a step of its clock a client may give a lower version to what it wants now.
    #[test]
    fn the_last_word_of_a_member_counts_and_a_pull_with_another_version_is_not_known() {
        let clock = Clock::manual(0);
        let peers = Peers::new(clock.clone());
        let a = caller(&clock, 1, "a");
        says(&peers, &a, &[("orders", "A", 9)]);

        assert_eq!(wish(&peers, &a, 4), None);
        says(&peers, &a, &[("orders", "B", 4)]);
        assert_eq!(wish(&peers, &a, 4).as_deref(), Some("B"));
        assert_eq!(wish(&peers, &a, 0).as_deref(), Some("B"));
        assert_eq!(wish(&peers, &a, 9), None);
    }

    #[test]
    fn tags_are_hashed_here() {
        let clock = Clock::manual(0);
        let peers = Peers::new(clock.clone());
        let a = caller(&clock, 1, "a");
        says(&peers, &a, &[("orders", "new || paid", 5)]);

        let Wish::Said(wanted) = peers.wish("g", a.peer.id(), "orders", 5) else {
            panic!("it was said")
        };

        let paid = crate::message::java_hash("paid").into();
        assert!(wanted.filter.may_want(paid));
        assert!(!wanted.filter.may_want(0));
    }

    #[test]
    fn topics_of_one_member_stay_whatever_topics_others_name() {
        let clock = Clock::manual(0);
        let peers = Peers::new(clock.clone());
        let (a, b) = (caller(&clock, 1, "a"), caller(&clock, 2, "b"));
        says(&peers, &a, &[("orders", "*", 1)]);
        says(&peers, &b, &[("stock", "*", 2)]);

        assert_eq!(wish(&peers, &a, 1).as_deref(), Some("*"));
        assert!(!peers.does_not_want("g", "orders"));
        assert!(peers.does_not_want("g", "other"));
        assert_eq!(peers.groups_wanting("orders").len(), 1);
        peers.gone(PeerId(1));
        assert!(peers.groups_wanting("orders").is_empty());
    }

    #[test]
    fn each_difference_between_members_is_told_once_with_who_they_are() {
        let clock = Clock::manual(0);
        let peers = Peers::new(clock.clone());
        let orders = [("orders", "*", 1)];
        let stock = [("orders", "paid", 2), ("stock", "*", 2)];
        let say = |id, name, topics: &[(&'static str, &'static str, i64)]| {
            let (heard, _) = peers.consumer(&caller(&clock, id, name), &data(topics), false);
            heard.mixed
        };

        assert_eq!(say(1, "a", &orders), []);
        assert_eq!(say(2, "b", &orders), []);
        let told = Mixed {
            member: "c at 127.0.0.1:1".to_owned(),
            other: "a at 127.0.0.1:1".to_owned(),
            differences: "orders: `paid` against `*`; stock: `*` against not subscribed".to_owned(),
        };
        assert_eq!(say(3, "c", &stock), [told]);
        assert_eq!(say(3, "c", &stock), []);
        assert_eq!(
            say(4, "a", &stock),
            [],
            "a process on its way out differs, too"
        );
        assert_eq!(say(5, "d", &orders), []);
    }

    #[test]
    fn members_that_all_get_everything_may_want_different_things() {
        let clock = Clock::manual(0);
        let peers = Peers::new(clock.clone());
        let say = |id, name, topic| {
            let data = ConsumerData {
                message_model: MessageModel::Broadcasting,
                ..data(&[(topic, "*", 1)])
            };
            peers.consumer(&caller(&clock, id, name), &data, false)
        };

        let said = [say(1, "a", "orders"), say(2, "b", "stock")];

        assert!(said.iter().all(|(heard, _)| heard.mixed.is_empty()));
    }

    #[test]
    fn a_brief_heartbeat_keeps_subscriptions_and_asks_for_them_when_there_are_none() {
        let clock = Clock::manual(0);
        let peers = Peers::new(clock.clone());
        let a = caller(&clock, 1, "a");
        let brief = |caller| peers.consumer(caller, &data(&[]), true).0.incomplete;

        assert!(brief(&a));
        says(&peers, &a, &[("orders", "*", 1)]);
        assert!(!brief(&a));
        assert_eq!(wish(&peers, &a, 1).as_deref(), Some("*"));
        assert!(
            brief(&caller(&clock, 2, "a")),
            "a new connection has said nothing"
        );
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
