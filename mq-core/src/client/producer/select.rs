//! Selection of the queue for a message: pure functions.

use std::collections::BTreeSet;

use crate::message::{MessageQueue, java_hash};

/// The next queue in turn, on another broker than `avoid` when there is one
/// (`TopicPublishInfo.selectOneMessageQueue`).
pub(super) fn in_turn<'a>(
    queues: &'a [MessageQueue],
    turn: &mut usize,
    avoid: Option<&str>,
) -> Option<&'a MessageQueue> {
    for _ in queues {
        let queue = next(queues, turn)?;
        if avoid.is_none_or(|avoid| queue.broker != avoid) {
            return Some(queue);
        }
    }
    next(queues, turn)
}

fn next<'a>(queues: &'a [MessageQueue], turn: &mut usize) -> Option<&'a MessageQueue> {
    let at = turn.checked_rem(queues.len())?;
    *turn = turn.wrapping_add(1);
    queues.get(at)
}

/// The queue for `key`: the same for equal keys as long as the topic's queues are the same
/// (`SelectMessageQueueByHash` over `String.hashCode`).
pub(super) fn by_hash<'a>(queues: &'a [MessageQueue], key: &str) -> Option<&'a MessageQueue> {
    let count = i64::try_from(queues.len()).ok()?;
    let at = i64::from(java_hash(key)).checked_rem(count)?.unsigned_abs();
    queues.get(usize::try_from(at).ok()?)
}

/// The next queue in turn of those whose brokers are in one of `rooms`.
pub(super) fn in_rooms<'a>(
    queues: &'a [MessageQueue],
    turn: &mut usize,
    rooms: &BTreeSet<String>,
) -> Option<&'a MessageQueue> {
    let is_in = |queue: &&MessageQueue| {
        let room = queue.machine_room();
        room.is_some_and(|room| rooms.contains(room))
    };
    let count = queues.iter().filter(is_in).count();
    let at = turn.checked_rem(count)?;
    *turn = turn.wrapping_add(1);
    queues.iter().filter(is_in).nth(at)
}

/// The queue that `number`, drawn at random, falls on.
pub(super) fn at_random(queues: &[MessageQueue], number: usize) -> Option<&MessageQueue> {
    queues.get(number.checked_rem(queues.len())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::TopicName;

    fn queues(brokers: &[&'static str]) -> Vec<MessageQueue> {
        let topic = TopicName::new("t").unwrap();
        let two =
            |broker: &&'static str| [0, 1].map(|id| MessageQueue::new(topic.clone(), *broker, id));
        brokers.iter().flat_map(two).collect()
    }

    #[test]
    fn every_queue_has_its_turn() {
        let queues = queues(&["a", "b"]);
        let mut turn = usize::MAX - 1;

        let mut chosen: Vec<_> = (0..4)
            .filter_map(|_| in_turn(&queues, &mut turn, None))
            .collect();

        chosen.sort();
        assert_eq!(chosen, queues.iter().collect::<Vec<_>>());
    }

    #[test]
    fn the_broker_that_failed_is_avoided_when_there_is_another() {
        let both = queues(&["a", "b"]);
        for start in 0..8 {
            let mut turn = start;
            assert_eq!(in_turn(&both, &mut turn, Some("a")).unwrap().broker, "b");
        }
        let one = queues(&["a"]);
        assert_eq!(in_turn(&one, &mut 0, Some("a")).unwrap().broker, "a");
        assert_eq!(in_turn(&[], &mut 0, None), None);
    }

    #[test]
    fn a_key_goes_where_java_sends_it() {
        let queues = queues(&["a", "b", "c"]);

        // "order-1".hashCode() = 1234218960 or negative ones: |h % 6| in Java.
        for key in ["", "a", "order-1", "polygenelubricants", "\u{4f60}\u{597d}"] {
            let hash = i64::from(java_hash(key));
            let expected = usize::try_from((hash % 6).abs()).unwrap();
            assert_eq!(by_hash(&queues, key), queues.get(expected), "{key}");
        }
        // "polygenelubricants".hashCode() == Integer.MIN_VALUE: -2147483648 % 6 = -2.
        assert_eq!(by_hash(&queues, "polygenelubricants"), queues.get(2));
    }

    #[test]
    fn only_brokers_of_the_rooms_have_their_turn() {
        let queues = queues(&["hz@a", "sh@b", "c", "hz@d"]);
        let rooms = BTreeSet::from(["hz".to_owned()]);
        let mut turn = 0;

        let brokers: Vec<_> = (0..5)
            .filter_map(|_| in_rooms(&queues, &mut turn, &rooms))
            .map(|queue| (&*queue.broker, queue.id))
            .collect();

        let first = ("hz@a", 0);
        assert_eq!(
            brokers,
            [first, ("hz@a", 1), ("hz@d", 0), ("hz@d", 1), first]
        );
        let elsewhere = BTreeSet::from(["bj".to_owned()]);
        assert_eq!(in_rooms(&queues, &mut turn, &elsewhere), None);
    }

    #[test]
    fn a_random_number_falls_on_every_queue() {
        let queues = queues(&["a", "b"]);

        let chosen: Vec<_> = (4..8).filter_map(|n| at_random(&queues, n)).collect();

        assert_eq!(chosen, queues.iter().collect::<Vec<_>>());
        assert_eq!(at_random(&[], 4), None);
    }
}
