//! A ring of hashes (`AllocateMessageQueueConsistentHash`): a queue belongs to the next point in
//! clockwise order.

use std::collections::BTreeMap;

use bytestring::ByteString;
use md5::{Digest, Md5};

use crate::message::MessageQueue;

/// The queues whose next point belongs to the member at `index`.
pub(super) fn allocate(
    virtual_nodes: u32,
    index: usize,
    queues: &[MessageQueue],
    members: &[ByteString],
) -> Vec<MessageQueue> {
    let mut ring = BTreeMap::new();
    for (number, member) in members.iter().enumerate() {
        for point in 0..virtual_nodes {
            ring.insert(hash(&format!("{member}-{point}")), number);
        }
    }
    let owner = |queue: &MessageQueue| {
        let at = hash(&queue.to_string());
        let next = ring.range(at..).next().or_else(|| ring.first_key_value());
        next.map(|(_, number)| *number)
    };
    let mine = |queue: &&MessageQueue| owner(queue) == Some(index);
    queues.iter().filter(mine).cloned().collect()
}

/// The first four bytes of the MD5 of `text`.
fn hash(text: &str) -> u32 {
    let digest = Md5::digest(text.as_bytes());
    digest
        .iter()
        .take(4)
        .fold(0, |hash, byte| hash << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::super::strategy::Strategy;
    use super::super::strategy::tests::{members, queues, shares};
    use super::*;

    #[test]
    fn a_hash_is_the_beginning_of_md5() {
        // md5("") = d41d8cd98f00b204e9800998ecf8427e (RFC 1321)
        assert_eq!(hash(""), 0xd41d_8cd9);
        // md5("abc") = 900150983cd24fb0d6963f7d28e17f72
        assert_eq!(hash("abc"), 0x9001_5098);
    }

    #[test]
    fn a_queue_belongs_to_the_next_point_of_the_ring() {
        let queues = queues(&["a"], 16);
        let members = members(3);

        let shares = shares(&Strategy::consistent_hash(), &queues, &members);

        for (number, share) in shares.iter().enumerate() {
            for queue in share {
                let id = queue.trim_start_matches('a');
                let text = format!("MessageQueue [topic=t, brokerName=a, queueId={id}]");
                let at = hash(&text);
                let distance = |member: &ByteString| {
                    let points = (0..10).map(|point| hash(&format!("{member}-{point}")));
                    points.map(|point| point.wrapping_sub(at)).min().unwrap()
                };
                let nearest = (0..3).min_by_key(|n| distance(&members[*n])).unwrap();
                assert_eq!(nearest, number, "{queue}");
            }
        }
    }

    #[test]
    fn when_a_member_goes_only_its_queues_move() {
        let queues = queues(&["a", "b"], 16);
        let before = shares(&Strategy::consistent_hash(), &queues, &members(4));
        let after = shares(&Strategy::consistent_hash(), &queues, &members(3));

        for (before, after) in before.iter().zip(&after) {
            assert!(before.iter().all(|queue| after.contains(queue)));
        }
    }
}
