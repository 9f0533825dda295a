//! A consumer group with somebody in it: what each member said it wants (`ConsumerGroupInfo`).
//!
//! Invariant: what a member said counts as long as it is a member and until it says something else,
//! whatever versions others gave to what they want.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bytestring::ByteString;

use super::member::{Caller, Change, Member, Mixed};
use crate::broker::state::offsets::broadcaster;
use crate::clock::Moment;
use crate::message::TopicName;
use crate::message::subscription::{SelectorType, Subscription, differences, summary};
use crate::remoting::{Peer, PeerId};
use crate::told::{Telling, Told};
use crate::wire::body::{ConsumerConnection, ConsumerData, MessageModel, SubscriptionData};

/// So many differences between members of a group are told; whoever has more has seen enough.
const MOST_DIFFERENCES: usize = 64;

/// What a member wants, by topic.
type Said = HashMap<TopicName, Arc<Subscription>>;

#[derive(Debug)]
struct Consumer {
    member: Member,
    model: MessageModel,
    /// `None` until a heartbeat with subscriptions came over this connection.
    said: Option<Said>,
}

/// What is known of what a pull wants.
#[derive(Clone, Debug)]
pub(in crate::broker) enum Wish {
    /// Nobody of the group subscribes to the topic.
    Nothing,
    /// The asker subscribes to the topic, but has not said yet what it wants now.
    Unsaid,
    /// What the asker wants.
    Said(Arc<Subscription>),
}

/// What became of a heartbeat.
#[derive(Debug)]
pub(in crate::broker) struct Heard {
    /// Queues must be shared anew.
    pub(in crate::broker) moved: bool,
    /// The broker does not know what the member wants.
    pub(in crate::broker) incomplete: bool,
    /// Members that want something else, one for each difference not told yet.
    pub(in crate::broker) mixed: Vec<Mixed>,
}

/// A consumer group: by connection, who is a member and what it wants.
#[derive(Debug, Default)]
pub(super) struct Consumers {
    /// What the last heartbeat said, but for its subscriptions.
    data: ConsumerData,
    members: BTreeMap<PeerId, Consumer>,
    /// Differences between members that were told.
    told: Told<String, MOST_DIFFERENCES>,
}

impl Consumer {
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

    /// Whether the two say the same, or one of them has said nothing yet. What they say in other
    /// words may still mean the same.
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

    /// Who has an offset in what this member reads: its group, or itself when it broadcasts.
    fn reader(&self, group: &ByteString) -> ByteString {
        match self.model {
            MessageModel::Clustering => group.clone(),
            MessageModel::Broadcasting => broadcaster(group, &self.member.caller.client_id),
        }
    }
}

impl Consumers {
    /// A heartbeat; its subscriptions count unless `brief`.
    pub(super) fn hear(
        &mut self,
        caller: &Caller,
        data: &ConsumerData,
        brief: bool,
        seen: Moment,
    ) -> Heard {
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
            Some(said(&data.subscription_data_set))
        };
        let consumer = Consumer {
            member: Member {
                caller: caller.clone(),
                seen,
            },
            model: data.message_model,
            said,
        };
        let heard = Heard {
            moved: is_new
                || self.gains_or_loses_a_topic(said_before.as_ref(), consumer.said.as_ref()),
            incomplete: consumer.said.is_none(),
            mixed: if consumer.said == said_before {
                Vec::new()
            } else {
                self.differing_from(&consumer)
            },
        };
        self.members.insert(caller.peer.id(), consumer);
        heard
    }

    /// Whether a topic comes or goes for the group when a member beside those that are here says
    /// `after` instead of `before`.
    fn gains_or_loses_a_topic(&self, before: Option<&Said>, after: Option<&Said>) -> bool {
        let named = |said: Option<&Said>, topic| said.is_some_and(|said| said.contains_key(topic));
        let mut both = before.into_iter().chain(after).flat_map(HashMap::keys);
        both.any(|topic| named(before, topic) != named(after, topic) && !self.wants(topic.as_str()))
    }

    /// Those for whom `leaves` holds are members no more; whether queues must be shared anew.
    pub(super) fn remove(&mut self, leaves: &impl Fn(&Member) -> bool) -> bool {
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

    /// The members that are to be told to share queues anew; none when everybody gets everything.
    pub(super) fn change(&self, group: &ByteString) -> Option<Change> {
        if self.data.message_model == MessageModel::Broadcasting {
            return None;
        }
        let peers = self.members.values().map(Consumer::peer);
        Some(Change {
            group: group.clone(),
            members: peers.collect(),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// How many connections there are.
    pub(super) fn count(&self) -> usize {
        self.members.len()
    }

    /// The client at the other end of a connection.
    pub(super) fn client_of(&self, peer: PeerId) -> Option<&ByteString> {
        let consumer = self.members.get(&peer)?;
        Some(&consumer.member.caller.client_id)
    }

    /// Who shares the queues: a client with two connections is one member.
    pub(super) fn client_ids(&self) -> BTreeSet<ByteString> {
        let ids = self
            .members
            .values()
            .map(|own| &own.member.caller.client_id);
        ids.cloned().collect()
    }

    /// The topics that some member wants.
    pub(super) fn topics(&self) -> BTreeSet<TopicName> {
        let topics = self.members.values().flat_map(Consumer::topics);
        topics.cloned().collect()
    }

    /// Whether some member wants the topic.
    pub(super) fn wants(&self, topic: &str) -> bool {
        self.members.values().any(|own| own.wants(topic).is_some())
    }

    /// Who has an offset in the topic: the `group`, and each member of it that broadcasts.
    pub(super) fn readers(&self, group: &ByteString, topic: &str) -> BTreeSet<ByteString> {
        let members = self.members.values();
        let wanting = members.filter(|own| own.wants(topic).is_some());
        wanting.map(|own| own.reader(group)).collect()
    }

    /// Who has an offset in what the asker reads.
    pub(super) fn reader(&self, group: &ByteString, asker: PeerId) -> ByteString {
        let asker = self.members.get(&asker);
        asker.map_or_else(|| group.clone(), |asker| asker.reader(group))
    }

    /// How the asker consumes.
    pub(super) fn model(&self, asker: PeerId) -> MessageModel {
        let asker = self.members.get(&asker);
        asker.map_or(self.data.message_model, |asker| asker.model)
    }

    /// What the asker wants of a topic; `version` is what its pull says, 0 when it says none.
    ///
    /// What it said itself counts. Some clients pull over connections that no heartbeat comes over:
    /// then what the members together want.
    pub(super) fn wish(&self, asker: PeerId, topic: &str, version: i64) -> Wish {
        let own = self.members.get(&asker).and_then(|own| own.wants(topic));
        match own {
            Some(own) if version == 0 || own.version == version => Wish::Said(Arc::clone(own)),
            Some(_) => Wish::Unsaid,
            None => match self.together(topic) {
                None => Wish::Nothing,
                Some(all) if all.version < version => Wish::Unsaid,
                Some(all) => Wish::Said(all),
            },
        }
    }

    pub(super) fn connections(&self) -> ConsumerConnection {
        let subscription = |topic: TopicName| {
            let all = self.together(topic.as_str())?;
            Some((topic.to_text(), SubscriptionData::from(&*all)))
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

    /// What the members together want of a topic.
    fn together(&self, topic: &str) -> Option<Arc<Subscription>> {
        let wanted = self.members.values().filter_map(|own| own.wants(topic));
        wanted.map(Arc::clone).reduce(|a, b| either(&a, &b))
    }

    /// Members that want something else than `consumer` does, as far as that was not told.
    fn differing_from(&mut self, consumer: &Consumer) -> Vec<Mixed> {
        if consumer.model == MessageModel::Broadcasting {
            // Everybody gets everything it wants.
            return Vec::new();
        }
        let mut mixed = Vec::new();
        for other in self.members.values() {
            let (here, there) = (&consumer.member, &other.member);
            if here.caller.client_id == there.caller.client_id || consumer.agrees_with(other) {
                continue;
            }
            let found = differences(consumer.subscriptions(), other.subscriptions());
            if found.is_empty() {
                continue;
            }
            // Whoever of the two came last, the difference is the same.
            let reverse = differences(other.subscriptions(), consumer.subscriptions());
            let difference = summary(&found).min(summary(&reverse));
            if self.told.tell(difference) == Telling::News {
                mixed.push(Mixed {
                    member: here.to_string(),
                    other: there.to_string(),
                    differences: summary(&found),
                });
            }
        }
        mixed
    }
}

/// What at least one of two wants. Conditions cannot be joined: the newer counts.
fn either(a: &Arc<Subscription>, b: &Arc<Subscription>) -> Arc<Subscription> {
    let newer = if a.version < b.version { b } else { a };
    if a.filter == b.filter && a.selector == b.selector && a.expression == b.expression {
        return Arc::clone(newer);
    }
    match (a.selector, b.selector) {
        (SelectorType::Tag, SelectorType::Tag) => {
            let filter = a.filter.or(&b.filter);
            Arc::new(Subscription {
                expression: filter.to_string().into(),
                filter,
                ..Subscription::clone(newer)
            })
        }
        (SelectorType::Tag, _) => Arc::clone(a),
        (_, SelectorType::Tag) => Arc::clone(b),
        _ => Arc::clone(newer),
    }
}

fn said(data: &[SubscriptionData]) -> Said {
    let subscriptions = data.iter().filter_map(SubscriptionData::to_subscription);
    subscriptions
        .map(|subscription| (subscription.topic.clone(), Arc::new(subscription)))
        .collect()
}
