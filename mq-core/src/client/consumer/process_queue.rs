//! The unfinished messages of one queue (`ProcessQueue`): pure data.
//!
//! The offset to commit is the lowest unfinished one, so a slow message holds it back while later
//! ones are finished; therefore the span of the offsets is limited too.

use std::collections::BTreeMap;
use std::time::Duration;

use super::flow::FlowLimits;
use crate::clock::Moment;
use crate::message::{MessageExt, QueueOffset};

#[derive(Debug, Default)]
pub(super) struct ProcessQueue {
    held: BTreeMap<QueueOffset, HeldMessage>,
    bytes: usize,
    /// The offset after the last message that was ever received.
    end: Option<QueueOffset>,
    /// The offset after the last message that an ordered listener has handled and not committed.
    uncommitted_end: Option<QueueOffset>,
}

/// How many messages of a queue are unfinished; all is 0 when none is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CachedMessages {
    pub(super) count: usize,
    /// The bytes of their bodies.
    pub(super) bytes: usize,
    pub(super) first: QueueOffset,
    pub(super) last: QueueOffset,
}

#[derive(Debug)]
struct HeldMessage {
    message: MessageExt,
    /// When it was given to the listener.
    started: Option<Moment>,
    /// It counts as overdue only after this, because the last attempt to send it back failed.
    put_off: Option<Moment>,
}

impl HeldMessage {
    /// When it will have been with the listener for `limit`.
    fn due(&self, limit: Duration) -> Option<Moment> {
        let due = self.started?.plus(limit);
        Some(self.put_off.map_or(due, |put_off| due.max(put_off)))
    }
}

/// A message that has been with the listener for longer than `consumeTimeout`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OverdueMessage {
    pub(super) message: MessageExt,
    pub(super) age: Duration,
}

impl ProcessQueue {
    /// Adds messages; one that is held already is replaced.
    pub(super) fn put(&mut self, messages: Vec<MessageExt>) {
        for message in messages {
            let offset = message.queue_offset;
            self.end = self.end.max(Some(offset.plus(1)));
            let length = message.message.body.len();
            let held = HeldMessage {
                message,
                started: None,
                put_off: None,
            };
            match self.held.insert(offset, held) {
                None => self.bytes += length,
                Some(old) => {
                    self.bytes = self.bytes + length - old.message.message.body.len();
                }
            }
        }
    }

    /// The next messages in order behind the uncommitted ones, at most `count`; they stay held.
    pub(super) fn first(&self, count: usize) -> Vec<MessageExt> {
        let from = self.uncommitted_end.unwrap_or_default();
        let held = self.held.range(from..).take(count);
        held.map(|(_, held)| held.message.clone()).collect()
    }

    /// The message at `offset`, the first of the next ones, is handled and not committed.
    pub(super) fn keep_uncommitted(&mut self, offset: QueueOffset) {
        self.uncommitted_end = Some(offset.plus(1));
    }

    /// All uncommitted messages are the next ones again.
    pub(super) fn roll_back(&mut self) {
        self.uncommitted_end = None;
    }

    /// Removes the message at `offset` and all before it. Returns the offset that may now be
    /// committed.
    pub(super) fn finish_to(&mut self, offset: QueueOffset) -> Option<QueueOffset> {
        self.uncommitted_end = None;
        let later = self.held.split_off(&offset.plus(1));
        for held in std::mem::replace(&mut self.held, later).into_values() {
            self.bytes -= held.message.message.body.len();
        }
        self.committable()
    }

    /// These messages are given to the listener.
    pub(super) fn start(&mut self, messages: &[MessageExt], now: Moment) {
        for message in messages {
            if let Some(held) = self.held.get_mut(&message.queue_offset) {
                held.started = Some(now);
                held.put_off = None;
            }
        }
    }

    /// The message at `offset`, while it is held.
    pub(super) fn get(&self, offset: QueueOffset) -> Option<&MessageExt> {
        self.held.get(&offset).map(|held| &held.message)
    }

    /// Counts another local attempt of the message at `offset`.
    pub(super) fn try_again(&mut self, offset: QueueOffset) -> Option<MessageExt> {
        let held = self.held.get_mut(&offset)?;
        held.message.reconsume_times = held.message.reconsume_times.saturating_add(1);
        held.started = None;
        Some(held.message.clone())
    }

    /// Removes finished messages. Returns the offset that may now be committed.
    pub(super) fn finish(&mut self, offsets: &[QueueOffset]) -> Option<QueueOffset> {
        for offset in offsets {
            if let Some(held) = self.held.remove(offset) {
                self.bytes -= held.message.message.body.len();
            }
        }
        self.committable()
    }

    /// The lowest unfinished offset, or the end when all are finished; `None` before the first
    /// message.
    pub(super) fn committable(&self) -> Option<QueueOffset> {
        let first = self.held.first_key_value().map(|(offset, _)| *offset);
        first.or(self.end)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// What is held now.
    pub(super) fn cached(&self) -> CachedMessages {
        let (Some((first, _)), Some((last, _))) =
            (self.held.first_key_value(), self.held.last_key_value())
        else {
            return CachedMessages::default();
        };
        CachedMessages {
            count: self.held.len(),
            bytes: self.bytes,
            first: *first,
            last: *last,
        }
    }

    /// Whether pulling has to pause; the span is ignored for orderly listeners.
    pub(super) fn is_full(&self, limits: FlowLimits, in_order: bool) -> bool {
        self.held.len() > limits.messages
            || self.bytes > limits.bytes
            || (!in_order && self.span() > limits.span)
    }

    /// When the next message is overdue, unless it is finished before.
    pub(super) fn next_due(&self, limit: Duration) -> Option<Moment> {
        self.held.values().filter_map(|held| held.due(limit)).min()
    }

    /// The messages that have been with the listener for `limit`.
    pub(super) fn overdue(&self, now: Moment, limit: Duration) -> Vec<OverdueMessage> {
        let overdue = |held: &HeldMessage| {
            let started = held.started?;
            held.due(limit).filter(|due| *due <= now)?;
            Some(OverdueMessage {
                message: held.message.clone(),
                age: now.since(started),
            })
        };
        self.held.values().filter_map(overdue).collect()
    }

    /// The message at `offset` could not be sent back: it counts as overdue again from `until` on.
    pub(super) fn put_off(&mut self, offset: QueueOffset, until: Moment) {
        if let Some(held) = self.held.get_mut(&offset) {
            held.put_off = Some(until);
        }
    }

    fn span(&self) -> u64 {
        match (self.held.first_key_value(), self.held.last_key_value()) {
            (Some((first, _)), Some((last, _))) => last.0 - first.0,
            _ => 0,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::message::{Message, PhysicalOffset, SysFlag, TopicName};

    pub(in super::super) fn message(offset: u64, body: &'static str) -> MessageExt {
        MessageExt {
            message: Message::new(TopicName::new("t").unwrap(), body),
            queue_id: 0,
            queue_offset: QueueOffset(offset),
            physical_offset: PhysicalOffset(offset * 100),
            sys_flag: SysFlag::default(),
            born_timestamp: 0,
            born_host: "127.0.0.1:1".parse().unwrap(),
            store_timestamp: 0,
            store_host: "127.0.0.1:2".parse().unwrap(),
            reconsume_times: 0,
            prepared_transaction_offset: 0,
            store_size: 0,
        }
    }

    fn holding(offsets: impl IntoIterator<Item = u64>) -> ProcessQueue {
        let mut queue = ProcessQueue::default();
        queue.put(offsets.into_iter().map(|o| message(o, "12345")).collect());
        queue
    }

    #[test]
    fn the_lowest_unfinished_offset_may_be_committed() {
        let mut queue = holding(10..14);

        assert_eq!(
            queue.finish(&[QueueOffset(11), QueueOffset(13)]),
            Some(QueueOffset(10))
        );
        assert_eq!(queue.finish(&[QueueOffset(10)]), Some(QueueOffset(12)));
        assert_eq!(queue.finish(&[QueueOffset(12)]), Some(QueueOffset(14)));
        assert_eq!(ProcessQueue::default().committable(), None);
    }

    #[test]
    fn pulling_pauses_beyond_each_of_the_three_limits() {
        let limits = |messages, bytes, span| FlowLimits {
            messages,
            bytes,
            span,
        };
        let mut queue = holding([0, 1, 9]);

        assert!(!queue.is_full(limits(3, 15, 9), false));
        assert!(queue.is_full(limits(2, 15, 9), false));
        assert!(queue.is_full(limits(3, 14, 9), false));
        assert!(queue.is_full(limits(3, 15, 8), false));
        assert!(!queue.is_full(limits(3, 15, 8), true));
        queue.finish(&[QueueOffset(0)]);
        assert!(!queue.is_full(limits(2, 10, 8), false));
    }

    #[test]
    fn what_came_twice_is_counted_once() {
        let mut queue = holding([1, 2]);
        queue.put(vec![message(2, "12345")]);

        assert!(!queue.is_full(
            FlowLimits {
                messages: 2,
                bytes: 10,
                span: 1
            },
            false
        ));
        assert_eq!(queue.first(5).len(), 2);
    }

    #[tokio::test]
    async fn a_message_is_overdue_when_its_listener_has_had_it_for_the_limit() {
        let clock = Clock::manual(0);
        let minute = Duration::from_mins(1);
        let mut queue = holding([1, 2]);
        assert_eq!(queue.next_due(minute), None);
        queue.start(&queue.first(1), clock.moment());
        let due = queue.next_due(minute);

        clock.advance(minute).await;

        assert_eq!(due, Some(clock.moment()));
        let overdue = queue.overdue(clock.moment(), minute);
        assert_eq!(overdue.len(), 1);
        assert_eq!(overdue[0].message.queue_offset, QueueOffset(1));
        assert_eq!(overdue[0].age, minute);
        assert!(queue.overdue(clock.moment(), minute * 2).is_empty());
    }

    #[tokio::test]
    async fn an_overdue_message_that_nobody_takes_back_is_put_off() {
        let clock = Clock::manual(0);
        let minute = Duration::from_mins(1);
        let mut queue = holding([1]);
        queue.start(&queue.first(1), clock.moment());
        clock.advance(minute).await;

        let later = clock.moment().plus(minute);
        queue.put_off(QueueOffset(1), later);

        assert!(queue.overdue(clock.moment(), minute).is_empty());
        assert_eq!(queue.next_due(minute), Some(later));
        clock.advance(minute).await;
        assert_eq!(queue.overdue(clock.moment(), minute)[0].age, minute * 2);
    }

    #[test]
    fn uncommitted_messages_stay_until_a_later_one_is_finished_or_they_are_rolled_back() {
        let next = |queue: &ProcessQueue| queue.first(1).first().map(|m| m.queue_offset.0);
        let mut queue = holding(10..14);

        queue.keep_uncommitted(QueueOffset(10));
        queue.keep_uncommitted(QueueOffset(11));
        assert_eq!(next(&queue), Some(12));
        assert_eq!(queue.committable(), Some(QueueOffset(10)));
        queue.roll_back();
        assert_eq!(next(&queue), Some(10));

        queue.keep_uncommitted(QueueOffset(10));
        assert_eq!(queue.finish_to(QueueOffset(11)), Some(QueueOffset(12)));
        assert_eq!(next(&queue), Some(12));
        assert_eq!(queue.cached().bytes, 10);
    }

    #[test]
    fn another_attempt_counts() {
        let mut queue = holding([1]);

        assert_eq!(queue.try_again(QueueOffset(1)).unwrap().reconsume_times, 1);
        assert_eq!(queue.first(1)[0].reconsume_times, 1);
        assert_eq!(queue.try_again(QueueOffset(2)), None);
    }
}
