//! The groups and their members.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use bytestring::ByteString;
use parking_lot::Mutex;

use super::consumers::{ConsumerGroup, HeartbeatResult, SubscriptionLookup};
use super::member::{ClientInfo, GroupMember, MembershipChange};
use crate::clock::Clock;
use crate::message::subscription::Filter;
use crate::remoting::{Peer, PeerId};
use crate::wire::body::{
    ConsumerConnection, ConsumerData, MessageModel, ProducerConnection, ProducerInfo,
    ProducerTable, SubscriptionData,
};

/// `channelExpiredTimeout`.
const MEMBER_TIMEOUT: Duration = Duration::from_mins(2);

#[derive(Debug, Default)]
struct PeerTable {
    consumers: HashMap<ByteString, ConsumerGroup>,
    /// By group, by connection.
    producers: HashMap<ByteString, BTreeMap<PeerId, GroupMember>>,
}

/// The connected clients.
#[derive(Debug)]
pub(in crate::broker) struct Peers {
    table: Mutex<PeerTable>,
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
        caller: &ClientInfo,
        data: &ConsumerData,
        brief: bool,
    ) -> (HeartbeatResult, Option<MembershipChange>) {
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

    /// A heartbeat of a producer. Tells whether the group had none before.
    pub(in crate::broker) fn producer(&self, caller: &ClientInfo, group: &ByteString) -> bool {
        let member = GroupMember {
            caller: caller.clone(),
            seen: self.clock.moment(),
        };
        let mut table = self.table.lock();
        let members = table.producers.entry(group.clone()).or_default();
        let is_first = members.is_empty();
        members.insert(caller.peer.id(), member);
        is_first
    }

    /// A connection leaves a consumer group.
    pub(in crate::broker) fn leave(&self, peer: PeerId, group: &str) -> Option<MembershipChange> {
        let mut table = self.table.lock();
        let consumers = table.consumers.get_mut(group)?;
        let moved = consumers.remove(&|member| member.caller.peer.id() == peer);
        let change = moved.then(|| consumers.change(&group.into())).flatten();
        table.forget_empty();
        change
    }

    /// A connection leaves a producer group.
    pub(in crate::broker) fn leave_producers(&self, peer: PeerId, group: &str) {
        let mut table = self.table.lock();
        if let Some(members) = table.producers.get_mut(group) {
            members.remove(&peer);
        }
        table.forget_empty();
    }

    /// A connection has closed: it leaves all groups.
    pub(in crate::broker) fn gone(&self, peer: PeerId) -> Vec<MembershipChange> {
        self.table
            .lock()
            .remove(|member| member.caller.peer.id() == peer)
    }

    /// Removes members without a heartbeat for too long and closes their connections.
    pub(in crate::broker) fn expire(&self) -> Vec<MembershipChange> {
        let now = self.clock.moment();
        self.table.lock().remove(|member| {
            let silent = now.since(member.seen) > MEMBER_TIMEOUT;
            if silent {
                member.caller.peer.close();
            }
            silent
        })
    }

    /// The client ids of a group's members, sorted.
    pub(in crate::broker) fn members(&self, group: &str) -> Vec<ByteString> {
        let table = self.table.lock();
        let ids = table.consumers.get(group).map(ConsumerGroup::client_ids);
        ids.unwrap_or_default().into_iter().collect()
    }

    /// The client id of a member, or else its IP address.
    pub(in crate::broker) fn client_of(&self, group: &str, peer: &Peer) -> ByteString {
        let table = self.table.lock();
        let group = table.consumers.get(group);
        let known = group.and_then(|group| group.client_of(peer.id()));
        known.map_or_else(
            || peer.address().ip().to_canonical().to_string().into(),
            ByteString::clone,
        )
    }

    /// The message model of the asker; `None` when the group has no member.
    pub(in crate::broker) fn model(&self, group: &str, asker: PeerId) -> Option<MessageModel> {
        let table = self.table.lock();
        table.consumers.get(group).map(|group| group.model(asker))
    }

    /// The asker's subscription to a topic; `version` is the one in its pull, 0 for none.
    pub(in crate::broker) fn subscription(
        &self,
        group: &str,
        asker: PeerId,
        topic: &str,
        version: i64,
    ) -> SubscriptionLookup {
        let table = self.table.lock();
        let group = table.consumers.get(group);
        group.map_or(SubscriptionLookup::NotSubscribed, |group| {
            group.subscription(asker, topic, version)
        })
    }

    /// The filter of a group's retry topic that applies its conditions to the topics of origin.
    pub(in crate::broker) fn filter_by_origin(&self, group: &str) -> Filter {
        let table = self.table.lock();
        let group = table.consumers.get(group);
        group.map_or_else(Filter::default, ConsumerGroup::filter_by_origin)
    }

    /// The connections of a consumer group; `None` when the group has no member.
    pub(in crate::broker) fn consumer_connections(
        &self,
        group: &str,
    ) -> Option<ConsumerConnection> {
        let table = self.table.lock();
        table.consumers.get(group).map(ConsumerGroup::connections)
    }

    /// The connections of a producer group; `None` when the group has no member.
    pub(in crate::broker) fn producer_connections(
        &self,
        group: &str,
    ) -> Option<ProducerConnection> {
        let table = self.table.lock();
        let members = table.producers.get(group)?;
        let connection_set = members.values().map(GroupMember::connection).collect();
        Some(ProducerConnection { connection_set })
    }

    /// The connections of all producer groups.
    pub(in crate::broker) fn all_producers(&self) -> ProducerTable {
        let (now, now_ms) = (self.clock.moment(), self.clock.now_ms());
        let info = |member: &GroupMember| {
            let age = now.since(member.seen).as_millis();
            ProducerInfo {
                client_id: member.caller.client_id.clone(),
                language: member.caller.language,
                last_update_timestamp: now_ms
                    .saturating_sub_unsigned(u64::try_from(age).unwrap_or(u64::MAX)),
                remote_ip: format!("/{}", member.address()).into(),
                version: member.caller.version,
            }
        };
        let table = self.table.lock();
        let groups = table.producers.iter();
        ProducerTable {
            data: groups
                .map(|(group, members)| (group.clone(), members.values().map(info).collect()))
                .collect(),
        }
    }

    /// The members of a consumer group, one for each connection.
    pub(in crate::broker) fn clients_of(&self, group: &str) -> Vec<ClientInfo> {
        let table = self.table.lock();
        let group = table.consumers.get(group);
        group.map(ConsumerGroup::clients).unwrap_or_default()
    }

    /// The subscription of a consumer group to a topic, united over its members.
    pub(in crate::broker) fn subscription_of(
        &self,
        group: &str,
        topic: &str,
    ) -> Option<SubscriptionData> {
        let table = self.table.lock();
        table.consumers.get(group)?.subscription_data(topic)
    }

    /// The connection over which a producer with this client id was heard last
    /// (`ProducerManager.findChannel`).
    pub(in crate::broker) fn producer_of(&self, client_id: &str) -> Option<Peer> {
        let table = self.table.lock();
        let members = table.producers.values().flat_map(BTreeMap::values);
        let own = members.filter(|member| member.caller.client_id == client_id);
        let latest = own.max_by_key(|member| member.seen)?;
        Some(latest.caller.peer.clone())
    }

    /// The connections of a producer group, in the order of their ids.
    pub(in crate::broker) fn producers(&self, group: &str) -> Vec<Peer> {
        let table = self.table.lock();
        let members = table.producers.get(group).into_iter();
        let peers = members.flat_map(BTreeMap::values);
        peers.map(|member| member.caller.peer.clone()).collect()
    }

    /// The groups with a member that subscribes to the topic.
    pub(in crate::broker) fn groups_wanting(&self, topic: &str) -> BTreeSet<ByteString> {
        let table = self.table.lock();
        let groups = table.consumers.iter();
        let wanting = groups.filter(|(_, group)| group.wants(topic));
        wanting.map(|(name, _)| name.clone()).collect()
    }

    /// The connected readers of the topic: groups, and each member that broadcasts.
    pub(in crate::broker) fn readers_of(&self, topic: &str) -> BTreeSet<ByteString> {
        let table = self.table.lock();
        let groups = table.consumers.iter();
        groups
            .flat_map(|(name, group)| group.readers(name, topic))
            .collect()
    }

    /// The name under which the asker's offsets are stored: the `group`, or its own when it
    /// broadcasts.
    pub(in crate::broker) fn reader(&self, group: &ByteString, asker: PeerId) -> ByteString {
        let table = self.table.lock();
        let members = table.consumers.get(group);
        members.map_or_else(|| group.clone(), |members| members.reader(group, asker))
    }

    /// Whether the group has subscriptions, but none to this topic.
    pub(in crate::broker) fn does_not_want(&self, group: &str, topic: &str) -> bool {
        let table = self.table.lock();
        let group = table.consumers.get(group);
        group.is_some_and(|group| !group.topics().is_empty() && !group.wants(topic))
    }

    /// The number of connections of consumers and of producers.
    pub(in crate::broker) fn count(&self) -> (usize, usize) {
        let table = self.table.lock();
        (
            table.consumers.values().map(ConsumerGroup::count).sum(),
            table.producers.values().map(BTreeMap::len).sum(),
        )
    }
}

impl PeerTable {
    fn remove(&mut self, leaves: impl Fn(&GroupMember) -> bool) -> Vec<MembershipChange> {
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
    use crate::broker::state::peers::member::SubscriptionConflict;
    use crate::wire::Language;
    use crate::wire::body::SubscriptionData;

    fn caller(clock: &Clock, id: u64, client_id: &'static str) -> ClientInfo {
        let address = "127.0.0.1:1".parse().unwrap();
        let (peer, _) = Peer::new(PeerId(id), address, 1, clock.clone());
        ClientInfo {
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

    fn says(peers: &Peers, caller: &ClientInfo, topics: &[(&'static str, &'static str, i64)]) {
        peers.consumer(caller, &data(topics), false);
    }

    /// The tags that a pull wants; `None` when that is not known.
    fn subscription(peers: &Peers, asker: &ClientInfo, version: i64) -> Option<String> {
        match peers.subscription("g", asker.peer.id(), "orders", version) {
            SubscriptionLookup::Known(subscription) => Some(subscription.filter.to_string()),
            SubscriptionLookup::NotYetKnown | SubscriptionLookup::NotSubscribed => None,
        }
    }

    #[test]
    fn members_are_told_when_somebody_comes_or_goes_and_when_topics_change() {
        let clock = Clock::manual(0);
        let peers = Peers::new(clock.clone());
        let (a, b) = (caller(&clock, 1, "a"), caller(&clock, 2, "b"));
        let told = |(_, change): (HeartbeatResult, Option<MembershipChange>)| {
            change.map(|change| change.members.len())
        };
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

    /// Regression: when a process was restarted under the same client id, the old process removed
    /// the new one from the group as it left, and the new one received nothing until its next
    /// heartbeat.
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
            assert_eq!(subscription(&peers, &new, 1).as_deref(), Some("*"));
            peers.leave(PeerId(2), "g");
            peers.leave_producers(PeerId(2), "p");
            assert_eq!(peers.count(), (0, 0));
        }
    }

    /// Regression: a rolling change of tags from `A` to `A || B` by a machine whose clock is
    /// behind: the group was never empty, so the broker kept `A` and filtered out the messages of
    /// `B` forever.
    #[test]
    fn what_a_member_wants_is_what_it_said_whatever_version_others_gave() {
        let clock = Clock::manual(0);
        let peers = Peers::new(clock.clone());
        let (old, new) = (caller(&clock, 1, "old"), caller(&clock, 2, "new"));
        let stranger = caller(&clock, 3, "stranger");
        says(&peers, &old, &[("orders", "A", 9)]);
        says(&peers, &new, &[("orders", "A || B", 5)]);

        assert_eq!(subscription(&peers, &old, 9).as_deref(), Some("A"));
        assert_eq!(subscription(&peers, &new, 5).as_deref(), Some("A || B"));
        assert_eq!(
            subscription(&peers, &stranger, 5).as_deref(),
            Some("A || B")
        );
        assert_eq!(subscription(&peers, &stranger, 10), None);

        peers.leave(PeerId(1), "g");
        assert_eq!(subscription(&peers, &new, 5).as_deref(), Some("A || B"));
        assert_eq!(subscription(&peers, &stranger, 9), None);
        let shown = peers.consumer_connections("g").unwrap();
        let shown = &shown.subscription_table["orders"];
        assert_eq!((&*shown.sub_string, shown.sub_version), ("A || B", 5));
    }

    /// After its clock was set back, a client may send a new subscription with a lower version.
    #[test]
    fn the_last_word_of_a_member_counts_and_a_pull_with_another_version_is_not_known() {
        let clock = Clock::manual(0);
        let peers = Peers::new(clock.clone());
        let a = caller(&clock, 1, "a");
        says(&peers, &a, &[("orders", "A", 9)]);

        assert_eq!(subscription(&peers, &a, 4), None);
        says(&peers, &a, &[("orders", "B", 4)]);
        assert_eq!(subscription(&peers, &a, 4).as_deref(), Some("B"));
        assert_eq!(subscription(&peers, &a, 0).as_deref(), Some("B"));
        assert_eq!(subscription(&peers, &a, 9), None);
    }

    #[test]
    fn tags_are_hashed_here() {
        let clock = Clock::manual(0);
        let peers = Peers::new(clock.clone());
        let a = caller(&clock, 1, "a");
        says(&peers, &a, &[("orders", "new || paid", 5)]);

        let SubscriptionLookup::Known(wanted) = peers.subscription("g", a.peer.id(), "orders", 5)
        else {
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

        assert_eq!(subscription(&peers, &a, 1).as_deref(), Some("*"));
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
            heard.conflicts
        };

        assert_eq!(say(1, "a", &orders), []);
        assert_eq!(say(2, "b", &orders), []);
        let told = SubscriptionConflict {
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

        assert!(said.iter().all(|(heard, _)| heard.conflicts.is_empty()));
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
        assert_eq!(subscription(&peers, &a, 1).as_deref(), Some("*"));
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
