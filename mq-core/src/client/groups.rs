//! The groups of one client: what its heartbeats say, and who hears what brokers have to say.

use std::collections::{BTreeMap, BTreeSet};

use bytestring::ByteString;
use tokio::sync::mpsc;

use super::error::StartError;
use crate::message::{GroupName, TopicName};
use crate::wire::body::{ConsumerData, HeartbeatData, ProducerData, ResetOffsetBody};

/// Groups that belong to RocketMQ itself (`MixAll`, `Validators`).
const RESERVED: &[&str] = &[
    "DEFAULT_PRODUCER",
    "DEFAULT_CONSUMER",
    "CLIENT_INNER_PRODUCER",
];

/// What a consumer is told from outside.
#[derive(Debug)]
pub(super) enum Order {
    /// Members or routes have changed: share the queues anew.
    Rebalance,
    /// Go on at other offsets.
    Reset(ResetOffsetBody),
}

impl Order {
    /// Puts the order where its consumer finds it; whether it will be carried out.
    ///
    /// A round of sharing follows whatever waits already, so many changes of members leave the
    /// room to other orders.
    pub(super) fn give(self, orders: &mpsc::Sender<Self>) -> bool {
        let follows = orders.capacity() < orders.max_capacity() && !orders.is_closed();
        (matches!(self, Self::Rebalance) && follows) || orders.try_send(self).is_ok()
    }
}

/// A consumer as the rest of the client sees it.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) data: ConsumerData,
    pub(super) topics: Vec<TopicName>,
    pub(super) orders: mpsc::Sender<Order>,
}

#[derive(Debug, Default)]
pub(super) struct Groups {
    producers: BTreeSet<GroupName>,
    consumers: BTreeMap<GroupName, Member>,
}

impl Groups {
    pub(super) fn add_producer(&mut self, group: &GroupName) -> Result<(), StartError> {
        check(group)?;
        if self.producers.insert(group.clone()) {
            return Ok(());
        }
        Err(StartError::GroupTaken {
            role: "producer",
            group: group.clone(),
        })
    }

    pub(super) fn add_consumer(
        &mut self,
        group: &GroupName,
        member: Member,
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

    pub(super) fn remove_producer(&mut self, group: &GroupName) {
        self.producers.remove(group);
    }

    pub(super) fn remove_consumer(&mut self, group: &GroupName) {
        self.consumers.remove(group);
    }

    pub(super) fn producers(&self) -> Vec<GroupName> {
        self.producers.iter().cloned().collect()
    }

    pub(super) fn has_consumers(&self) -> bool {
        !self.consumers.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.producers.is_empty() && self.consumers.is_empty()
    }

    /// Which topics are consumed, and by which group.
    pub(super) fn subscribed(&self) -> BTreeSet<(TopicName, GroupName)> {
        let consumers = self.consumers.iter();
        let of_group = |(group, member): (&GroupName, &'_ Member)| -> Vec<_> {
            let topics = member.topics.iter();
            topics.map(|topic| (topic.clone(), group.clone())).collect()
        };
        consumers.flat_map(of_group).collect()
    }

    pub(super) fn heartbeat(&self, client_id: ByteString) -> HeartbeatData {
        let producer = |group: &GroupName| ProducerData {
            group_name: group.to_text(),
        };
        HeartbeatData {
            client_id,
            producer_data_set: self.producers.iter().map(producer).collect(),
            consumer_data_set: self.consumers.values().map(|m| m.data.clone()).collect(),
            ..HeartbeatData::default()
        }
    }

    /// Tells the consumer of `group`; whether there is one and it has room.
    pub(super) fn tell(&self, group: &str, order: Order) -> bool {
        let member = self.consumers.get(group);
        member.is_some_and(|member| order.give(&member.orders))
    }

    /// The route of `topic` has changed: whoever consumes it shares its queues anew.
    pub(super) fn route_changed(&self, topic: &TopicName) {
        for (group, member) in &self.consumers {
            if member.topics.contains(topic) {
                self.tell(group.as_str(), Order::Rebalance);
            }
        }
    }
}

fn check(group: &GroupName) -> Result<(), StartError> {
    if RESERVED.contains(&group.as_str()) {
        return Err(StartError::ReservedGroup(group.clone()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_members_leave_room_for_a_reset() {
        let (orders, mut received) = mpsc::channel(2);

        for _ in 0..5 {
            assert!(Order::Rebalance.give(&orders));
        }

        assert!(Order::Reset(ResetOffsetBody::default()).give(&orders));
        assert!(matches!(received.try_recv(), Ok(Order::Rebalance)));
        assert!(matches!(received.try_recv(), Ok(Order::Reset(_))));
        drop(received);
        assert!(!Order::Rebalance.give(&orders));
    }
}
