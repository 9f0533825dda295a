//! The messages of one queue that were fetched and are not finished.

use std::collections::{BTreeSet, VecDeque};

use crate::client::consumer::FlowLimits;
use crate::message::{MessageExt, QueueOffset};

/// One assignment or move of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::client::lite_pull) struct Epoch(pub(super) u64);

/// How far a queue is, and what waits in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client::lite_pull) struct QueueFigures {
    /// The lowest offset that is not finished.
    pub(in crate::client::lite_pull) position: QueueOffset,
    /// Messages that wait to be handed over.
    pub(in crate::client::lite_pull) waiting: usize,
    /// The offsets of the first and the last of them.
    pub(in crate::client::lite_pull) waiting_offsets: Option<(QueueOffset, QueueOffset)>,
    /// Bytes of their bodies.
    pub(in crate::client::lite_pull) bytes: usize,
}

/// The messages of one queue.
#[derive(Debug)]
pub(super) struct QueueBuffer {
    /// The epoch with which it was assigned.
    pub(super) assigned: Epoch,
    pub(super) epoch: Epoch,
    pub(super) waiting: VecDeque<MessageExt>,
    /// Bytes of the bodies that wait.
    pub(super) bytes: usize,
    /// Where the next pull begins.
    pub(super) next: QueueOffset,
    /// Offsets of messages that were handed over.
    pub(super) unfinished: BTreeSet<QueueOffset>,
    /// Whether the queue is among the turns.
    pub(super) has_turn: bool,
}

impl QueueBuffer {
    /// Empty, and read from `start` on.
    pub(super) fn new(epoch: Epoch, start: QueueOffset) -> Self {
        Self {
            assigned: epoch,
            epoch,
            waiting: VecDeque::new(),
            bytes: 0,
            next: start,
            unfinished: BTreeSet::new(),
            has_turn: false,
        }
    }

    /// The lowest offset that is not finished.
    pub(super) fn position(&self) -> QueueOffset {
        let unfinished = self.unfinished.first().copied();
        unfinished.unwrap_or_else(|| self.handed_over_next())
    }

    /// The offset of the message that is handed over next.
    pub(super) fn handed_over_next(&self) -> QueueOffset {
        let first = self.waiting.front();
        first.map_or(self.next, |message| message.queue_offset)
    }

    pub(super) fn figures(&self) -> QueueFigures {
        let ends = self.waiting.front().zip(self.waiting.back());
        QueueFigures {
            position: self.position(),
            waiting: self.waiting.len(),
            waiting_offsets: ends.map(|(first, last)| (first.queue_offset, last.queue_offset)),
            bytes: self.bytes,
        }
    }

    pub(super) fn is_full(&self, limits: FlowLimits) -> bool {
        self.waiting.len() + self.unfinished.len() > limits.messages
            || self.bytes > limits.bytes
            || self.next.0.saturating_sub(self.position().0) > limits.span
    }
}

/// The bytes of a message that count.
pub(super) fn length(message: &MessageExt) -> usize {
    message.message.body.len()
}
