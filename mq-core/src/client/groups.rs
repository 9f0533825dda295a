//! The producer and consumer groups of one client: the content of its heartbeats, and where
//! requests from brokers are routed to.

use std::collections::{BTreeMap, BTreeSet};

use bytestring::ByteString;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::checker::AnyChecker;
use super::error::StartError;
use crate::message::{GroupName, MessageExt, TopicName};
use crate::wire::body::{
    ConsumeMessageDirectlyResult, ConsumeType, ConsumerData, ConsumerRunningInfo, HeartbeatData,
    ProducerData, ResetOffsetBody,
};

/// Group names that RocketMQ itself uses (`MixAll`, `Validators`).
const RESERVED_GROUPS: &[&str] = &[
    "DEFAULT_PRODUCER",
    "DEFAULT_CONSUMER",
    "CLIENT_INNER_PRODUCER",
];

/// A message to consume, and who asked for it.
#[derive(Debug)]
pub(in crate::client) struct DirectMessage {
    pub(in crate::client) message: MessageExt,
    pub(in crate::client) asker: oneshot::Sender<ConsumeMessageDirectlyResult>,
}

/// A command from the client or a broker to a running consumer.
#[derive(Debug)]
pub(super) enum ConsumerCommand {
    /// Members or routes have changed: rebalance.
    Rebalance,
    /// Continue at these offsets.
    Reset(ResetOffsetBody),
    /// Say what the consumer is doing.
    Describe(oneshot::Sender<ConsumerRunningInfo>),
    /// Give a message to the listener at once.
    Consume(Box<DirectMessage>),
}

/// Why a command is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotCommanded {
    /// The client has no consumer of the group.
    NoConsumer,
    /// The consumer's command queue is full, or it is being shut down.
    Full,
}

/// The capacity of a consumer's command queue.
const COMMAND_CAPACITY: usize = 16;

impl ConsumerCommand {
    /// The command queue of a consumer. What finds it full is refused.
    pub(super) fn queue() -> (mpsc::Sender<Self>, mpsc::Receiver<Self>) {
        mpsc::channel(COMMAND_CAPACITY)
    }

    /// Queues the command for its consumer. Returns whether it will be carried out.
    ///
    /// A rebalance follows every queued command anyway, so another [`Self::Rebalance`] needs no
    /// room of its own and cannot crowd out a reset.
    pub(super) fn send_to(self, commands: &mpsc::Sender<Self>) -> bool {
        let follows = commands.capacity() < commands.max_capacity() && !commands.is_closed();
        (matches!(self, Self::Rebalance) && follows) || commands.try_send(self).is_ok()
    }
}

/// A consumer that is registered with its client.
#[derive(Debug)]
pub(super) struct RegisteredConsumer {
    pub(super) data: ConsumerData,
    pub(super) topics: Vec<TopicName>,
    pub(super) commands: mpsc::Sender<ConsumerCommand>,
}

#[derive(Debug, Default)]
pub(super) struct ClientGroups {
    /// With who says how their transactions ended.
    producers: BTreeMap<GroupName, Option<AnyChecker>>,
    consumers: BTreeMap<GroupName, RegisteredConsumer>,
}

impl ClientGroups {
    pub(super) fn add_producer(&mut self, group: &GroupName) -> Result<(), StartError> {
        check(group)?;
        if self.producers.contains_key(group) {
            return Err(StartError::GroupTaken {
                role: "producer",
                group: group.clone(),
            });
        }
        self.producers.insert(group.clone(), None);
        Ok(())
    }

    pub(super) fn add_consumer(
        &mut self,
        group: &GroupName,
        member: RegisteredConsumer,
    ) -> Result<(), StartError> {
        check(group)?;
        if self.consumers.contains_key(group) {
            return Err(StartError::GroupTaken {
                role: "consumer",
                group: group.clone(),
            });
        }
        self.consumers.insert(group.clone(), member);
        Ok(())
    }

    /// The consumer of `group` tells brokers `data` from now on, and needs the routes of `topics`.
    pub(super) fn change_consumer(
        &mut self,
        group: &GroupName,
        data: ConsumerData,
        topics: Vec<TopicName>,
    ) {
        if let Some(known) = self.consumers.get_mut(group) {
            known.data = data;
            known.topics = topics;
        }
    }

    /// Whether the consumer of `group` has a listener.
    pub(super) fn is_push(&self, group: &str) -> bool {
        let member = self.consumers.get(group);
        member.is_some_and(|member| member.data.consume_type == ConsumeType::ConsumePassively)
    }

    /// From now on `checker` says how the transactions of the producer ended.
    pub(super) fn set_checker(&mut self, group: &GroupName, checker: AnyChecker) {
        if let Some(known) = self.producers.get_mut(group) {
            *known = Some(checker);
        }
    }

    /// Who says how the transactions of the producer ended.
    pub(super) fn checker(&self, group: &str) -> Option<AnyChecker> {
        self.producers.get(group)?.clone()
    }

    /// Whether brokers may ask this client how transactions ended.
    pub(super) fn has_checkers(&self) -> bool {
        self.producers.values().any(Option::is_some)
    }

    pub(super) fn remove_producer(&mut self, group: &GroupName) {
        self.producers.remove(group);
    }

    pub(super) fn remove_consumer(&mut self, group: &GroupName) {
        self.consumers.remove(group);
    }

    pub(super) fn producers(&self) -> Vec<GroupName> {
        self.producers.keys().cloned().collect()
    }

    pub(super) fn has_consumers(&self) -> bool {
        !self.consumers.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.producers.is_empty() && self.consumers.is_empty()
    }

    /// All subscriptions, as pairs of topic and group.
    pub(super) fn subscribed(&self) -> BTreeSet<(TopicName, GroupName)> {
        let consumers = self.consumers.iter();
        let of_group = |(group, member): (&GroupName, &'_ RegisteredConsumer)| -> Vec<_> {
            let topics = member.topics.iter();
            topics.map(|topic| (topic.clone(), group.clone())).collect()
        };
        consumers.flat_map(of_group).collect()
    }

    pub(super) fn heartbeat(&self, client_id: ByteString, unit_mode: bool) -> HeartbeatData {
        let producer = |group: &GroupName| ProducerData {
            group_name: group.to_text(),
        };
        let consumer = |member: &RegisteredConsumer| ConsumerData {
            unit_mode,
            ..member.data.clone()
        };
        HeartbeatData {
            client_id,
            producer_data_set: self.producers.keys().map(producer).collect(),
            consumer_data_set: self.consumers.values().map(consumer).collect(),
            ..HeartbeatData::default()
        }
    }

    /// Sends a command to the consumer of `group`.
    pub(super) fn command(&self, group: &str, order: ConsumerCommand) -> Result<(), NotCommanded> {
        let member = self.consumers.get(group);
        let member = member.ok_or(NotCommanded::NoConsumer)?;
        if order.send_to(&member.commands) {
            Ok(())
        } else {
            Err(NotCommanded::Full)
        }
    }

    /// The route of `topic` has changed: its consumers rebalance.
    pub(super) fn route_changed(&self, topic: &TopicName) {
        for member in self.consumers.values() {
            if member.topics.contains(topic) {
                ConsumerCommand::Rebalance.send_to(&member.commands);
            }
        }
    }
}

/// A consumer that is being started: its group is free again when the start fails or is dropped.
#[derive(Debug)]
pub(super) struct Joining<'a> {
    groups: &'a Mutex<ClientGroups>,
    group: &'a GroupName,
    stays: bool,
}

impl<'a> Joining<'a> {
    pub(super) fn begin(
        groups: &'a Mutex<ClientGroups>,
        group: &'a GroupName,
        member: RegisteredConsumer,
    ) -> Result<Self, StartError> {
        groups.lock().add_consumer(group, member)?;
        let stays = false;
        Ok(Self {
            groups,
            group,
            stays,
        })
    }

    /// It is started.
    pub(super) fn stay(mut self) {
        self.stays = true;
    }
}

impl Drop for Joining<'_> {
    fn drop(&mut self) {
        if !self.stays {
            self.groups.lock().remove_consumer(self.group);
        }
    }
}

fn check(group: &GroupName) -> Result<(), StartError> {
    if RESERVED_GROUPS.contains(&group.as_str()) {
        return Err(StartError::ReservedGroup(group.clone()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_says_of_each_consumer_whether_the_deployment_is_in_units() {
        let (commands, _received) = ConsumerCommand::queue();
        let member = RegisteredConsumer {
            data: ConsumerData::default(),
            topics: Vec::new(),
            commands,
        };
        let mut groups = ClientGroups::default();
        let group = GroupName::new("shop").unwrap();
        groups.add_consumer(&group, member).unwrap();

        for unit_mode in [false, true] {
            let beat = groups.heartbeat("client".into(), unit_mode);
            assert_eq!(beat.consumer_data_set[0].unit_mode, unit_mode);
        }
    }

    #[test]
    fn queued_rebalances_leave_room_for_a_reset() {
        let (commands, mut received) = mpsc::channel(2);

        for _ in 0..5 {
            assert!(ConsumerCommand::Rebalance.send_to(&commands));
        }

        assert!(ConsumerCommand::Reset(ResetOffsetBody::default()).send_to(&commands));
        assert!(matches!(
            received.try_recv(),
            Ok(ConsumerCommand::Rebalance)
        ));
        assert!(matches!(received.try_recv(), Ok(ConsumerCommand::Reset(_))));
        drop(received);
        assert!(!ConsumerCommand::Rebalance.send_to(&commands));
    }
}
