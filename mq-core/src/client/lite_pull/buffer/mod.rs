//! The messages that were fetched and are not finished, by queue: pure data.
//!
//! A queue's epoch changes when the queue is assigned anew or moved to another offset. What was
//! fetched or handed over in an earlier epoch does not count any more.

mod queue;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub(super) use queue::{Epoch, QueueFigures};
use queue::{QueueBuffer, length};

use crate::client::consumer::FlowLimits;
use crate::message::{MessageExt, MessageQueue, QueueOffset};

/// What is fetched next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FetchTicket {
    pub(super) epoch: Epoch,
    pub(super) from: QueueOffset,
}

/// Whether a queue may be fetched from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FetchTurn {
    Now(FetchTicket),
    /// Not before there is room, or the queue is resumed.
    Wait,
    /// The queue is not assigned any more, or it was assigned anew.
    Gone,
}

/// A message that was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) queue: MessageQueue,
    pub(super) offset: QueueOffset,
    epoch: Epoch,
}

/// How much is held before fetching pauses.
#[derive(Clone, Copy, Debug)]
pub(super) struct BufferLimits {
    pub(super) of_queue: FlowLimits,
    /// Messages of all queues that wait to be handed over.
    pub(super) waiting: usize,
}

#[derive(Debug, Default)]
pub(super) struct Buffer {
    queues: BTreeMap<MessageQueue, QueueBuffer>,
    /// The queues from which messages can be handed over; the first is next.
    turns: VecDeque<MessageQueue>,
    /// Paused queues, whether they are assigned or not.
    paused: BTreeSet<MessageQueue>,
    /// Messages that wait to be handed over.
    waiting: usize,
    /// Handed over by a poll: finished with the next one.
    polled: Vec<Receipt>,
    last_epoch: u64,
}

impl Buffer {
    /// A queue is assigned, and read from `start` on. `None` when it is assigned already.
    pub(super) fn assign(&mut self, queue: MessageQueue, start: QueueOffset) -> Option<Epoch> {
        if self.queues.contains_key(&queue) {
            return None;
        }
        let epoch = self.new_epoch();
        self.queues.insert(queue, QueueBuffer::new(epoch, start));
        Some(epoch)
    }

    /// A queue is not assigned any more. Returns its position.
    pub(super) fn release(&mut self, queue: &MessageQueue) -> Option<QueueOffset> {
        let released = self.queues.remove(queue)?;
        self.waiting -= released.waiting.len();
        self.turns.retain(|other| other != queue);
        Some(released.position())
    }

    /// Moves a queue to `offset`: what was fetched is dropped. Returns whether the queue is assigned.
    pub(super) fn seek(&mut self, queue: &MessageQueue, offset: QueueOffset) -> bool {
        let epoch = self.new_epoch();
        let Some(buffer) = self.queues.get_mut(queue) else {
            return false;
        };
        self.waiting -= buffer.waiting.len();
        buffer.waiting.clear();
        buffer.bytes = 0;
        buffer.unfinished.clear();
        buffer.next = offset;
        buffer.epoch = epoch;
        true
    }

    /// The queue's broker continues at `next`, because the pull was outside the queue or the group was
    /// reset. What was fetched stays when that is further on. Returns whether the ticket still counted.
    pub(super) fn jump(
        &mut self,
        queue: &MessageQueue,
        ticket: FetchTicket,
        next: QueueOffset,
    ) -> bool {
        if self.epoch(queue) != Some(ticket.epoch) {
            return false;
        }
        if next < ticket.from {
            return self.seek(queue, next);
        }
        if let Some(buffer) = self.queues.get_mut(queue) {
            buffer.next = next;
        }
        true
    }

    /// Whether the queue that was assigned with the epoch `assigned` may be fetched from.
    pub(super) fn turn(
        &self,
        queue: &MessageQueue,
        assigned: Epoch,
        limits: BufferLimits,
    ) -> FetchTurn {
        let buffer = self.queues.get(queue);
        let Some(buffer) = buffer.filter(|buffer| buffer.assigned == assigned) else {
            return FetchTurn::Gone;
        };
        let is_full = self.waiting > limits.waiting || buffer.is_full(limits.of_queue);
        if is_full || self.paused.contains(queue) {
            return FetchTurn::Wait;
        }
        FetchTurn::Now(FetchTicket {
            epoch: buffer.epoch,
            from: buffer.next,
        })
    }

    /// Adds what was fetched with a ticket; the next pull begins at `next`.
    pub(super) fn put(
        &mut self,
        queue: &MessageQueue,
        ticket: FetchTicket,
        messages: Vec<MessageExt>,
        next: QueueOffset,
    ) {
        let buffer = self.queues.get_mut(queue);
        let Some(buffer) = buffer.filter(|buffer| buffer.epoch == ticket.epoch) else {
            return;
        };
        buffer.next = next;
        self.waiting += messages.len();
        buffer.bytes += messages.iter().map(length).sum::<usize>();
        buffer.waiting.extend(messages);
        self.give_turn(queue);
    }

    /// The messages that are handed over next, at most `most`: those of a queue in its order, queues
    /// in turn.
    pub(super) fn take(&mut self, most: usize) -> Vec<(MessageExt, Receipt)> {
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some(queue) = self.turns.pop_front()
        {
            let Some(buffer) = self.queues.get_mut(&queue) else {
                continue;
            };
            buffer.has_turn = false;
            if self.paused.contains(&queue) {
                continue;
            }
            let count = buffer.waiting.len().min(most - taken.len());
            for message in buffer.waiting.drain(..count) {
                buffer.bytes -= length(&message);
                let offset = message.queue_offset;
                buffer.unfinished.insert(offset);
                let receipt = Receipt {
                    queue: queue.clone(),
                    offset,
                    epoch: buffer.epoch,
                };
                taken.push((message, receipt));
            }
            self.waiting -= count;
            self.give_turn(&queue);
        }
        taken
    }

    /// A message that was handed over is finished. Returns whether that counts: not after its queue
    /// was moved or released, since the message comes again then, here or to another member.
    pub(super) fn finish(&mut self, receipt: &Receipt) -> bool {
        let buffer = self.queues.get_mut(&receipt.queue);
        let buffer = buffer.filter(|buffer| buffer.epoch == receipt.epoch);
        buffer.is_some_and(|buffer| buffer.unfinished.remove(&receipt.offset))
    }

    /// The messages were handed over by a poll.
    pub(super) fn polled(&mut self, receipts: impl IntoIterator<Item = Receipt>) {
        self.polled.extend(receipts);
    }

    /// What earlier polls handed over is finished.
    pub(super) fn finish_polled(&mut self) {
        for receipt in std::mem::take(&mut self.polled) {
            self.finish(&receipt);
        }
    }

    /// Pauses a queue: it is neither fetched from nor handed over.
    pub(super) fn pause(&mut self, queue: &MessageQueue) {
        self.paused.insert(queue.clone());
    }

    pub(super) fn resume(&mut self, queue: &MessageQueue) {
        self.paused.remove(queue);
        self.give_turn(queue);
    }

    /// The current epoch of a queue that is assigned.
    pub(super) fn epoch(&self, queue: &MessageQueue) -> Option<Epoch> {
        self.queues.get(queue).map(|buffer| buffer.epoch)
    }

    /// The offset of the message of a queue that is handed over next.
    pub(super) fn handed_over_next(&self, queue: &MessageQueue) -> Option<QueueOffset> {
        self.queues.get(queue).map(QueueBuffer::handed_over_next)
    }

    /// The lowest unfinished offset of each queue.
    pub(super) fn positions(&self) -> Vec<(MessageQueue, QueueOffset)> {
        let queues = self.queues.iter();
        queues
            .map(|(queue, buffer)| (queue.clone(), buffer.position()))
            .collect()
    }

    /// How far each queue is.
    pub(super) fn figures(&self) -> Vec<(MessageQueue, QueueFigures)> {
        let queues = self.queues.iter();
        queues
            .map(|(queue, buffer)| (queue.clone(), buffer.figures()))
            .collect()
    }

    pub(super) fn queues(&self) -> Vec<MessageQueue> {
        self.queues.keys().cloned().collect()
    }

    fn give_turn(&mut self, queue: &MessageQueue) {
        if let Some(buffer) = self.queues.get_mut(queue)
            && !buffer.has_turn
            && !buffer.waiting.is_empty()
            && !self.paused.contains(queue)
        {
            buffer.has_turn = true;
            self.turns.push_back(queue.clone());
        }
    }

    fn new_epoch(&mut self) -> Epoch {
        self.last_epoch += 1;
        Epoch(self.last_epoch)
    }
}

#[cfg(test)]
mod tests;
