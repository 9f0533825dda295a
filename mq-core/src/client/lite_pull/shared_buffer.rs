//! The buffer as the fetching tasks and the application share it: whoever waits for a change of it is
//! woken.

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::buffer::{Buffer, BufferLimits, Epoch, FetchTicket, FetchTurn, QueueFigures, Receipt};
use crate::clock::{Clock, Moment};
use crate::message::{MessageExt, MessageQueue, QueueOffset};

#[derive(Debug)]
pub(super) struct SharedBuffer {
    state: Mutex<Buffer>,
    limits: BufferLimits,
    /// Messages can be handed over that could not before.
    arrived: Notify,
    /// A queue may be fetched from that could not be before.
    room: Notify,
    /// A queue has another epoch, or it is released.
    moved: Notify,
}

impl SharedBuffer {
    pub(super) fn new(limits: BufferLimits) -> Self {
        Self {
            state: Mutex::default(),
            limits,
            arrived: Notify::new(),
            room: Notify::new(),
            moved: Notify::new(),
        }
    }

    /// As [`Buffer::assign`].
    pub(super) fn assign(&self, queue: MessageQueue, start: QueueOffset) -> Option<Epoch> {
        self.state.lock().assign(queue, start)
    }

    /// As [`Buffer::release`].
    pub(super) fn release(&self, queue: &MessageQueue) -> Option<QueueOffset> {
        let position = self.state.lock().release(queue);
        self.moved.notify_waiters();
        self.room.notify_waiters();
        position
    }

    /// As [`Buffer::seek`].
    pub(super) fn seek(&self, queue: &MessageQueue, offset: QueueOffset) -> bool {
        let is_assigned = self.state.lock().seek(queue, offset);
        self.moved.notify_waiters();
        self.room.notify_waiters();
        is_assigned
    }

    /// As [`Buffer::jump`].
    pub(super) fn jump(
        &self,
        queue: &MessageQueue,
        ticket: FetchTicket,
        next: QueueOffset,
    ) -> bool {
        self.state.lock().jump(queue, ticket, next)
    }

    /// Waits until the queue may be fetched from; `None` when that assignment is over.
    pub(super) async fn ticket(
        &self,
        queue: &MessageQueue,
        assigned: Epoch,
    ) -> Option<FetchTicket> {
        loop {
            let room = self.room.notified();
            let turn = self.state.lock().turn(queue, assigned, self.limits);
            match turn {
                FetchTurn::Now(ticket) => return Some(ticket),
                FetchTurn::Wait => room.await,
                FetchTurn::Gone => return None,
            }
        }
    }

    /// Waits until the queue has another epoch or is released.
    pub(super) async fn moved(&self, queue: &MessageQueue, epoch: Epoch) {
        loop {
            let moved = self.moved.notified();
            if self.state.lock().epoch(queue) != Some(epoch) {
                return;
            }
            moved.await;
        }
    }

    /// As [`Buffer::put`].
    pub(super) fn put(
        &self,
        queue: &MessageQueue,
        ticket: FetchTicket,
        messages: Vec<MessageExt>,
        next: QueueOffset,
    ) {
        self.state.lock().put(queue, ticket, messages, next);
        self.arrived.notify_waiters();
    }

    /// Hands over what is there, as [`Buffer::take`], or waits for messages until `until`. Nothing is lost
    /// when the future is dropped: once it has taken messages it does not wait any more.
    pub(super) async fn take(
        &self,
        clock: &Clock,
        until: Moment,
        most: usize,
    ) -> Vec<(MessageExt, Receipt)> {
        loop {
            let arrived = self.arrived.notified();
            let taken = self.state.lock().take(most);
            if !taken.is_empty() {
                self.room.notify_waiters();
                return taken;
            }
            let left = until.since(clock.moment());
            if left.is_zero() || clock.timeout(left, arrived).await.is_err() {
                return Vec::new();
            }
        }
    }

    /// As [`Buffer::polled`].
    pub(super) fn polled(&self, receipts: impl IntoIterator<Item = Receipt>) {
        self.state.lock().polled(receipts);
    }

    /// As [`Buffer::finish`].
    pub(super) fn finish(&self, receipt: &Receipt) -> bool {
        let counts = self.state.lock().finish(receipt);
        self.room.notify_waiters();
        counts
    }

    /// As [`Buffer::finish_polled`].
    pub(super) fn finish_polled(&self) {
        self.state.lock().finish_polled();
        self.room.notify_waiters();
    }

    /// As [`Buffer::pause`].
    pub(super) fn pause(&self, queues: &[MessageQueue]) {
        let mut state = self.state.lock();
        for queue in queues {
            state.pause(queue);
        }
    }

    /// As [`Buffer::resume`].
    pub(super) fn resume(&self, queues: &[MessageQueue]) {
        {
            let mut state = self.state.lock();
            for queue in queues {
                state.resume(queue);
            }
        }
        self.arrived.notify_waiters();
        self.room.notify_waiters();
    }

    /// As [`Buffer::handed_over_next`].
    pub(super) fn handed_over_next(&self, queue: &MessageQueue) -> Option<QueueOffset> {
        self.state.lock().handed_over_next(queue)
    }

    /// As [`Buffer::positions`].
    pub(super) fn positions(&self) -> Vec<(MessageQueue, QueueOffset)> {
        self.state.lock().positions()
    }

    /// As [`Buffer::figures`].
    pub(super) fn figures(&self) -> Vec<(MessageQueue, QueueFigures)> {
        self.state.lock().figures()
    }

    pub(super) fn queues(&self) -> Vec<MessageQueue> {
        self.state.lock().queues()
    }
}
