//! A consumer group with connected members, and their subscriptions (`ConsumerGroupInfo`).
//!
//! Invariant: a member's subscriptions apply until it leaves or sends others, whatever versions
//! other members gave to theirs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bytestring::ByteString;

use super::member::{ClientInfo, GroupMember, MembershipChange, SubscriptionConflict};
use crate::broker::state::offsets::broadcaster;
use crate::clock::Moment;
use crate::log_once::{LogDecision, LogOnce};
use crate::message::TopicName;
use crate::message::subscription::{Filter, SelectorType, Subscription, differences, summary};
use crate::remoting::{Peer, PeerId};
use crate::wire::body::{ConsumerConnection, ConsumerData, MessageModel, SubscriptionData};

/// The most differences between members of a group that are logged.
const MAX_LOGGED_DIFFERENCES: usize = 64;

/// The subscriptions of a member, by topic.
type MemberSubscriptions = HashMap<TopicName, Arc<Subscription>>;

#[derive(Debug)]
struct ConsumerMember {
    member: GroupMember,
    model: MessageModel,
    /// `None` until a heartbeat with subscriptions came over this connection.
    said: Option<MemberSubscriptions>,
}

/// What is known of the subscription of a pull.
#[derive(Clone, Debug)]
pub(in crate::broker) enum SubscriptionLookup {
    /// No member of the group subscribes to the topic.
    NotSubscribed,
    /// The member subscribes to the topic, but its current subscription has not arrived yet.
    NotYetKnown,
    /// The subscription.
    Known(Arc<Subscription>),
}

/// The result of a heartbeat.
#[derive(Debug)]
pub(in crate::broker) struct HeartbeatResult {
    /// The group must rebalance.
    pub(in crate::broker) moved: bool,
    /// The broker does not know the member's subscriptions.
    pub(in crate::broker) incomplete: bool,
    /// Members with other subscriptions, one for each difference that is not logged yet.
    pub(in crate::broker) conflicts: Vec<SubscriptionConflict>,
    /// The member's subscriptions whose conditions cannot be read, when they are new.
    pub(in crate::broker) malformed: Vec<Arc<Subscription>>,
}

/// A consumer group: its members and their subscriptions, by connection.
#[derive(Debug, Default)]
pub(super) struct ConsumerGroup {
    /// The last heartbeat, without its subscriptions.
    data: ConsumerData,
    members: BTreeMap<PeerId, ConsumerMember>,
    /// The differences between members that were logged.
    logged: LogOnce<String, MAX_LOGGED_DIFFERENCES>,
}

impl ConsumerMember {
    fn wants(&self, topic: &str) -> Option<&Arc<Subscription>> {
        self.said.as_ref()?.get(topic)
    }

    fn topics(&self) -> impl Iterator<Item = &TopicName> {
        self.said.iter().flat_map(HashMap::keys)
    }

    fn subscriptions(&self) -> impl Iterator<Item = &Subscription> {
        let subscriptions = self.said.iter().flat_map(HashMap::values);
        subscriptions.map(|subscription| &**subscription)
    }

    /// Whether both have sent the same expressions, or one has sent none yet. Different expressions
    /// may still be equivalent.
    fn agrees_with(&self, other: &Self) -> bool {
        let (Some(ours), Some(theirs)) = (&self.said, &other.said) else {
            return true;
        };
        let same = |(topic, ours): (&TopicName, &Arc<Subscription>)| {
            let theirs = theirs.get(topic);
            theirs.is_some_and(|theirs| {
                theirs.selector == ours.selector && theirs.expression == ours.expression
            })
        };
        ours.len() == theirs.len() && ours.iter().all(same)
    }

    fn peer(&self) -> Peer {
        self.member.caller.peer.clone()
    }

    /// Under which name this member's offsets are stored: its group's, or its own when it
    /// broadcasts.
    fn reader(&self, group: &ByteString) -> ByteString {
        match self.model {
            MessageModel::Clustering => group.clone(),
            MessageModel::Broadcasting => broadcaster(group, &self.member.caller.client_id),
        }
    }
}

impl ConsumerGroup {
    /// Takes a heartbeat. Its subscriptions are ignored when it is `brief`.
    pub(super) fn hear(
        &mut self,
        caller: &ClientInfo,
        data: &ConsumerData,
        brief: bool,
        seen: Moment,
    ) -> HeartbeatResult {
        self.data = ConsumerData {
            subscription_data_set: Vec::new(),
            ..data.clone()
        };
        let before = self.members.remove(&caller.peer.id());
        let before = before.filter(|before| before.member.caller.client_id == caller.client_id);
        let is_new = before.is_none();
        let said_before = before.and_then(|before| before.said);
        let said = if brief {
            said_before.clone()
        } else {
            Some(said(&data.subscription_data_set, said_before.as_ref()))
        };
        let malformed = newly_malformed(said.as_ref(), said_before.as_ref());
        let consumer = ConsumerMember {
            member: GroupMember {
                caller: caller.clone(),
                seen,
            },
            model: data.message_model,
            said,
        };
        let heard = HeartbeatResult {
            moved: is_new
                || self.gains_or_loses_a_topic(said_before.as_ref(), consumer.said.as_ref()),
            incomplete: consumer.said.is_none(),
            conflicts: if consumer.said == said_before {
                Vec::new()
            } else {
                self.differing_from(&consumer)
            },
            malformed,
        };
        self.members.insert(caller.peer.id(), consumer);
        heard
    }

    /// Whether the group as a whole gains or loses a topic when a member that is not in `members`
    /// changes its subscriptions from `before` to `after`.
    fn gains_or_loses_a_topic(
        &self,
        before: Option<&MemberSubscriptions>,
        after: Option<&MemberSubscriptions>,
    ) -> bool {
        let named = |said: Option<&MemberSubscriptions>, topic| {
            said.is_some_and(|said| said.contains_key(topic))
        };
        let mut both = before.into_iter().chain(after).flat_map(HashMap::keys);
        both.any(|topic| named(before, topic) != named(after, topic) && !self.wants(topic.as_str()))
    }

    /// Removes the members for which `leaves` holds. Returns whether the group must rebalance.
    pub(super) fn remove(&mut self, leaves: &impl Fn(&GroupMember) -> bool) -> bool {
        if !self
            .members
            .values()
            .any(|consumer| leaves(&consumer.member))
        {
            return false;
        }
        let before = (self.client_ids(), self.topics());
        self.members.retain(|_, consumer| !leaves(&consumer.member));
        before != (self.client_ids(), self.topics())
    }

    /// The members that must rebalance; `None` for broadcasting.
    pub(super) fn change(&self, group: &ByteString) -> Option<MembershipChange> {
        if self.data.message_model == MessageModel::Broadcasting {
            return None;
        }
        let peers = self.members.values().map(ConsumerMember::peer);
        Some(MembershipChange {
            group: group.clone(),
            members: peers.collect(),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The number of connections.
    pub(super) fn count(&self) -> usize {
        self.members.len()
    }

    /// The client at the other end of a connection.
    pub(super) fn client_of(&self, peer: PeerId) -> Option<&ByteString> {
        let consumer = self.members.get(&peer)?;
        Some(&consumer.member.caller.client_id)
    }

    /// The client ids that share the queues: a client with two connections counts once.
    pub(super) fn client_ids(&self) -> BTreeSet<ByteString> {
        let ids = self
            .members
            .values()
            .map(|own| &own.member.caller.client_id);
        ids.cloned().collect()
    }

    /// The topics to which a member subscribes.
    pub(super) fn topics(&self) -> BTreeSet<TopicName> {
        let topics = self.members.values().flat_map(ConsumerMember::topics);
        topics.cloned().collect()
    }

    /// Whether a member subscribes to the topic.
    pub(super) fn wants(&self, topic: &str) -> bool {
        self.members.values().any(|own| own.wants(topic).is_some())
    }

    /// The names under which offsets of the topic are stored: the `group`, and each of its members
    /// that broadcasts.
    pub(super) fn readers(&self, group: &ByteString, topic: &str) -> BTreeSet<ByteString> {
        let members = self.members.values();
        let wanting = members.filter(|own| own.wants(topic).is_some());
        wanting.map(|own| own.reader(group)).collect()
    }

    /// The name under which the asker's offsets are stored.
    pub(super) fn reader(&self, group: &ByteString, asker: PeerId) -> ByteString {
        let asker = self.members.get(&asker);
        asker.map_or_else(|| group.clone(), |asker| asker.reader(group))
    }

    /// The message model of the asker.
    pub(super) fn model(&self, asker: PeerId) -> MessageModel {
        let asker = self.members.get(&asker);
        asker.map_or(self.data.message_model, |asker| asker.model)
    }

    /// The asker's subscription to a topic; `version` is the one in its pull, 0 for none.
    ///
    /// The asker's own subscription is used. Some clients pull over a connection without
    /// heartbeats; for them it is the union of all members' subscriptions.
    pub(super) fn subscription(
        &self,
        asker: PeerId,
        topic: &str,
        version: i64,
    ) -> SubscriptionLookup {
        let own = self.members.get(&asker).and_then(|own| own.wants(topic));
        match own {
            Some(own) if version == 0 || own.version == version => {
                SubscriptionLookup::Known(Arc::clone(own))
            }
            Some(_) => SubscriptionLookup::NotYetKnown,
            None => match self.union(topic) {
                None => SubscriptionLookup::NotSubscribed,
                Some(all) if all.version < version => SubscriptionLookup::NotYetKnown,
                Some(all) => SubscriptionLookup::Known(all),
            },
        }
    }

    /// The members, one for each connection.
    pub(super) fn clients(&self) -> Vec<ClientInfo> {
        let members = self.members.values();
        members.map(|own| own.member.caller.clone()).collect()
    }

    /// The union of the members' subscriptions to a topic, as administrators see it.
    pub(super) fn subscription_data(&self, topic: &str) -> Option<SubscriptionData> {
        self.union(topic).map(|all| SubscriptionData::from(&*all))
    }

    pub(super) fn filter_by_origin(&self) -> Filter {
        let topics = self.topics().into_iter();
        let filters = topics.filter_map(|topic| {
            let filter = self.union(topic.as_str())?.filter.clone();
            Some((topic, filter))
        });
        Filter::by_origin(&filters.collect())
    }

    pub(super) fn connections(&self) -> ConsumerConnection {
        let subscription = |topic: TopicName| {
            let all = self.subscription_data(topic.as_str())?;
            Some((topic.to_text(), all))
        };
        ConsumerConnection {
            connection_set: self
                .members
                .values()
                .map(|own| own.member.connection())
                .collect(),
            consume_from_where: self.data.consume_from_where,
            consume_type: self.data.consume_type,
            message_model: self.data.message_model,
            subscription_table: self.topics().into_iter().filter_map(subscription).collect(),
        }
    }

    /// The union of the members' subscriptions to a topic.
    fn union(&self, topic: &str) -> Option<Arc<Subscription>> {
        let wanted = self.members.values().filter_map(|own| own.wants(topic));
        wanted.map(Arc::clone).reduce(|a, b| either(&a, &b))
    }

    /// The members whose subscriptions differ from those of `consumer`, unless that was logged
    /// before.
    fn differing_from(&mut self, consumer: &ConsumerMember) -> Vec<SubscriptionConflict> {
        if consumer.model == MessageModel::Broadcasting {
            // In broadcasting every member receives all messages, so differences are harmless.
            return Vec::new();
        }
        let mut conflicts = Vec::new();
        for other in self.members.values() {
            let (here, there) = (&consumer.member, &other.member);
            if here.caller.client_id == there.caller.client_id || consumer.agrees_with(other) {
                continue;
            }
            let found = differences(consumer.subscriptions(), other.subscriptions());
            if found.is_empty() {
                continue;
            }
            // Compare in both directions, so that the same two members are logged once.
            let reverse = differences(other.subscriptions(), consumer.subscriptions());
            let difference = summary(&found).min(summary(&reverse));
            if self.logged.decide(difference) == LogDecision::First {
                conflicts.push(SubscriptionConflict {
                    member: here.to_string(),
                    other: there.to_string(),
                    differences: summary(&found),
                });
            }
        }
        conflicts
    }
}

/// The union of two subscriptions. Conditions cannot be united: the newer one is used.
fn either(a: &Arc<Subscription>, b: &Arc<Subscription>) -> Arc<Subscription> {
    let newer = if a.version < b.version { b } else { a };
    if a.filter == b.filter && a.selector == b.selector && a.expression == b.expression {
        return Arc::clone(newer);
    }
    match (a.filter.tags(), b.filter.tags()) {
        (Some(of_a), Some(of_b)) => {
            let tags = of_a.or(of_b);
            Arc::new(Subscription {
                expression: tags.to_string().into(),
                filter: tags.into(),
                ..Subscription::clone(newer)
            })
        }
        (Some(_), None) => Arc::clone(a),
        (None, Some(_)) => Arc::clone(b),
        (None, None) => Arc::clone(newer),
    }
}

/// The subscriptions of a heartbeat. A condition that the member sent before is not parsed again.
fn said(data: &[SubscriptionData], before: Option<&MemberSubscriptions>) -> MemberSubscriptions {
    let subscriptions = data.iter().filter_map(|data| {
        let before = before.and_then(|before| before.get(&*data.topic));
        match before.filter(|before| has_condition_of(before, data)) {
            Some(before) => Some(Subscription {
                version: data.sub_version,
                ..Subscription::clone(before)
            }),
            None => data.to_subscription(),
        }
    });
    subscriptions
        .map(|subscription| (subscription.topic.clone(), Arc::new(subscription)))
        .collect()
}

fn has_condition_of(subscription: &Subscription, data: &SubscriptionData) -> bool {
    subscription.selector == SelectorType::Sql92
        && data.expression_type == SelectorType::Sql92.as_str()
        && data.sub_string == subscription.expression
}

fn newly_malformed(
    said: Option<&MemberSubscriptions>,
    before: Option<&MemberSubscriptions>,
) -> Vec<Arc<Subscription>> {
    let malformed = said.into_iter().flat_map(HashMap::values);
    let malformed = malformed.filter(|subscription| subscription.filter.error().is_some());
    let is_new = |subscription: &&Arc<Subscription>| {
        let before = before.and_then(|before| before.get(&subscription.topic));
        before.is_none_or(|before| before.expression != subscription.expression)
    };
    malformed.filter(is_new).map(Arc::clone).collect()
}
