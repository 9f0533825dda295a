//! Shares by the machine rooms of brokers and members.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytestring::ByteString;

use crate::message::MessageQueue;

/// Knows the rooms of brokers and members (`MachineRoomResolver`).
pub trait Rooms: fmt::Debug + Send + Sync {
    /// The room of a queue's broker.
    fn of_queue(&self, queue: &MessageQueue) -> String;
    /// The room of a member.
    fn of_member(&self, client_id: &str) -> String;
}

/// Only queues of brokers named `room@name` in one of `rooms`: blocks first, then what is left
/// over, one each (`AllocateMessageQueueByMachineRoom`).
pub(super) fn in_rooms(
    rooms: &BTreeSet<String>,
    index: usize,
    queues: &[MessageQueue],
    members: usize,
) -> Vec<MessageQueue> {
    let here: Vec<_> = queues.iter().filter(|queue| is_in(rooms, queue)).collect();
    let (share, left) = (here.len() / members, here.len() % members);
    let block = here.iter().skip(share * index).take(share);
    let extra = here.iter().skip(share * members + index).take(1);
    let extra = extra.filter(|_| index < left);
    block.chain(extra).map(|queue| (*queue).clone()).collect()
}

fn is_in(rooms: &BTreeSet<String>, queue: &MessageQueue) -> bool {
    queue
        .machine_room()
        .is_some_and(|room| rooms.contains(room))
}

/// The share of `me` in its own room, and in every room without members
/// (`AllocateMachineRoomNearby`).
pub(super) fn nearby(
    share: impl Fn(&[MessageQueue], &[ByteString]) -> Vec<MessageQueue>,
    rooms: &dyn Rooms,
    me: &str,
    queues: &[MessageQueue],
    members: &[ByteString],
) -> Vec<MessageQueue> {
    let mut queues_by_room: BTreeMap<String, Vec<MessageQueue>> = BTreeMap::new();
    for queue in queues {
        let room = queues_by_room.entry(rooms.of_queue(queue)).or_default();
        room.push(queue.clone());
    }
    let mut members_by_room: BTreeMap<String, Vec<ByteString>> = BTreeMap::new();
    for member in members {
        let room = members_by_room.entry(rooms.of_member(member)).or_default();
        room.push(member.clone());
    }
    let mut mine = Vec::new();
    let here = rooms.of_member(me);
    if let (Some(queues), Some(members)) =
        (queues_by_room.remove(&here), members_by_room.get(&here))
    {
        mine.extend(share(&queues, members));
    }
    for (room, queues) in queues_by_room {
        if !members_by_room.contains_key(&room) {
            mine.extend(share(&queues, members));
        }
    }
    mine
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::strategy::Strategy;
    use super::super::strategy::tests::{members, queues, shares};
    use super::*;

    #[test]
    fn only_queues_in_the_rooms_are_shared_and_the_rest_goes_one_by_one() {
        let queues = queues(&["east@a", "elsewhere@c", "nowhere", "west@b"], 5);
        let rooms = ["east", "west"].map(str::to_owned).into();

        let four = shares(&Strategy::MachineRoom(rooms), &queues, &members(4));

        assert_eq!(four[0], ["east@a0", "east@a1", "west@b3"]);
        assert_eq!(four[1], ["east@a2", "east@a3", "west@b4"]);
        assert_eq!(four[2], ["east@a4", "west@b0"]);
        assert_eq!(four[3], ["west@b1", "west@b2"]);
    }

    /// Brokers are named `room@name`, members `room@number`.
    #[derive(Debug)]
    struct BeforeTheAt;

    impl Rooms for BeforeTheAt {
        fn of_queue(&self, queue: &MessageQueue) -> String {
            self.of_member(&queue.broker)
        }

        fn of_member(&self, client_id: &str) -> String {
            client_id.split('@').next().unwrap_or_default().to_owned()
        }
    }

    #[test]
    fn members_take_their_own_room_and_all_share_the_deserted_one() {
        let queues = queues(&["deserted@c", "east@a", "west@b"], 4);
        let members = ["east@1", "east@2", "west@1"].map(ByteString::from);
        let strategy = Strategy::MachineRoomNearby {
            inner: Box::new(Strategy::Average),
            rooms: Arc::new(BeforeTheAt),
        };

        let shares = shares(&strategy, &queues, &members);

        assert_eq!(
            shares[0],
            ["east@a0", "east@a1", "deserted@c0", "deserted@c1"]
        );
        assert_eq!(shares[1], ["east@a2", "east@a3", "deserted@c2"]);
        assert_eq!(
            shares[2],
            ["west@b0", "west@b1", "west@b2", "west@b3", "deserted@c3"]
        );
        assert_eq!(strategy.name(), "MACHINE_ROOM_NEARBY-AVG");
    }
}
