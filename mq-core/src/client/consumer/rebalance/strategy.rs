//! The strategies by which a member computes its share of the queues.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use bytestring::ByteString;

use super::machine_room::Rooms;
use super::{average, consistent_hash, machine_room};
use crate::message::MessageQueue;

/// How queues are distributed (`AllocateMessageQueueStrategy`).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Strategy {
    /// Contiguous queues per member, as equally as possible (`AVG`).
    #[default]
    Average,
    /// Round robin (`AVG_BY_CIRCLE`).
    AverageByCircle,
    /// These queues, whatever other members there are (`CONFIG`).
    Config(Vec<MessageQueue>),
    /// Brokers are named `room@name`: only queues in these rooms, equally (`MACHINE_ROOM`).
    MachineRoom(BTreeSet<String>),
    /// Each room's queues to the members there; those of rooms without members to everybody
    /// (`MACHINE_ROOM_NEARBY`).
    MachineRoomNearby {
        /// How queues are distributed within a room.
        inner: Box<Self>,
        /// The rooms of brokers and members.
        rooms: Arc<dyn Rooms>,
    },
    /// Consistent hashing: few queues move when a member joins or leaves (`CONSISTENT_HASH`).
    ConsistentHash {
        /// Points on the ring for each member; Java has 10.
        virtual_nodes: u32,
    },
    /// A strategy of your own.
    Custom(Arc<dyn Allocate>),
}

/// A custom strategy.
pub trait Allocate: fmt::Debug + Send + Sync {
    /// The name of the strategy.
    fn name(&self) -> &str;
    /// The queues of `me`; both lists are sorted, and `me` is one of `members`.
    fn allocate(
        &self,
        me: &str,
        queues: &[MessageQueue],
        members: &[ByteString],
    ) -> Vec<MessageQueue>;
}

impl Strategy {
    /// The consistent hash with Java's ten points for each member.
    pub fn consistent_hash() -> Self {
        Self::ConsistentHash { virtual_nodes: 10 }
    }

    /// The name as Java spells it.
    pub fn name(&self) -> String {
        match self {
            Self::Average => "AVG".to_owned(),
            Self::AverageByCircle => "AVG_BY_CIRCLE".to_owned(),
            Self::Config(_) => "CONFIG".to_owned(),
            Self::MachineRoom(_) => "MACHINE_ROOM".to_owned(),
            Self::MachineRoomNearby { inner, .. } => {
                format!("MACHINE_ROOM_NEARBY-{}", inner.name())
            }
            Self::ConsistentHash { .. } => "CONSISTENT_HASH".to_owned(),
            Self::Custom(strategy) => strategy.name().to_owned(),
        }
    }

    /// The queues of `me`; empty when it is not a member. Both lists must be sorted.
    pub fn allocate(
        &self,
        me: &str,
        queues: &[MessageQueue],
        members: &[ByteString],
    ) -> Vec<MessageQueue> {
        let Some(index) = members.iter().position(|member| *member == me) else {
            return Vec::new();
        };
        match self {
            Self::Average => average::in_blocks(index, queues, members.len()),
            Self::AverageByCircle => average::by_circle(index, queues, members.len()),
            Self::Config(mine) => mine.clone(),
            Self::MachineRoom(rooms) => machine_room::in_rooms(rooms, index, queues, members.len()),
            Self::MachineRoomNearby { inner, rooms } => {
                let share = |queues: &[_], members: &[_]| inner.allocate(me, queues, members);
                machine_room::nearby(share, &**rooms, me, queues, members)
            }
            Self::ConsistentHash { virtual_nodes } => {
                consistent_hash::allocate(*virtual_nodes, index, queues, members)
            }
            Self::Custom(strategy) => strategy.allocate(me, queues, members),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::message::TopicName;

    pub(in super::super) fn queues(brokers: &[&'static str], each: i32) -> Vec<MessageQueue> {
        let topic = TopicName::new("t").unwrap();
        let of = |broker: &&'static str| {
            (0..each).map({
                let (topic, broker) = (topic.clone(), *broker);
                move |id| MessageQueue::new(topic.clone(), broker, id)
            })
        };
        brokers.iter().flat_map(of).collect()
    }

    pub(in super::super) fn members(count: usize) -> Vec<ByteString> {
        (0..count)
            .map(|n| format!("192.168.0.1@{n}").into())
            .collect()
    }

    /// What each member gets, as `broker` + `id`.
    pub(in super::super) fn shares(
        strategy: &Strategy,
        queues: &[MessageQueue],
        members: &[ByteString],
    ) -> Vec<Vec<String>> {
        let share = |me: &ByteString| {
            let share = strategy.allocate(me, queues, members);
            share
                .iter()
                .map(|q| format!("{}{}", q.broker, q.id))
                .collect()
        };
        members.iter().map(share).collect()
    }

    #[test]
    fn who_is_not_a_member_gets_no_queue() {
        let strategies = [
            Strategy::Average,
            Strategy::AverageByCircle,
            Strategy::consistent_hash(),
            Strategy::Config(queues(&["a"], 1)),
        ];
        for strategy in strategies {
            let share = strategy.allocate("stranger", &queues(&["a"], 4), &members(2));
            assert!(share.is_empty(), "{}", strategy.name());
        }
    }

    #[test]
    fn every_queue_has_exactly_one_member_whatever_the_numbers() {
        let strategies = [
            Strategy::Average,
            Strategy::AverageByCircle,
            Strategy::consistent_hash(),
        ];
        for strategy in strategies {
            for (each, count) in [(1, 1), (4, 3), (3, 4), (8, 5), (16, 1), (5, 5)] {
                let queues = queues(&["a", "b"], each);

                let mut all: Vec<_> = shares(&strategy, &queues, &members(count)).concat();

                all.sort();
                let expected: Vec<_> = queues
                    .iter()
                    .map(|q| format!("{}{}", q.broker, q.id))
                    .collect();
                assert_eq!(all.len(), expected.len());
                assert!(
                    expected.iter().all(|q| all.contains(q)),
                    "{}",
                    strategy.name()
                );
            }
        }
    }
}
