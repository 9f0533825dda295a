//! A queue that is assigned to this consumer.
//!
//! Invariant: once the queue is marked as dropped, only the code that dropped it may commit an
//! offset of it.

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::process_queue::ProcessQueue;
use crate::clock::Moment;
use crate::message::{MessageQueue, QueueOffset};

#[derive(Debug)]
pub(super) struct AssignedQueue {
    pub(super) queue: MessageQueue,
    pub(super) held: Mutex<ProcessQueue>,
    /// Notified when messages are finished, so that a paused pull can continue.
    pub(super) finished: Notify,
    /// Notified when messages arrive, for the orderly listener.
    pub(super) arrived: Notify,
    /// The offset of the first pull, looked up when the queue was assigned.
    pub(super) start: QueueOffset,
    /// Held while a listener has messages of an ordered queue.
    pub(super) consuming: tokio::sync::Mutex<()>,
    /// When the lock of an ordered queue was last confirmed.
    locked: Mutex<Option<Moment>>,
    dropped: CancellationToken,
}

impl AssignedQueue {
    pub(super) fn new(queue: MessageQueue, start: QueueOffset) -> Self {
        Self {
            queue,
            held: Mutex::default(),
            finished: Notify::new(),
            arrived: Notify::new(),
            start,
            consuming: tokio::sync::Mutex::default(),
            locked: Mutex::new(None),
            dropped: CancellationToken::new(),
        }
    }

    /// Marks the queue as dropped. It takes the lock of `held`, under which offsets are advanced,
    /// so that no offset is advanced after this returns.
    pub(super) fn mark_dropped(&self) {
        let _held = self.held.lock();
        self.dropped.cancel();
    }

    pub(super) fn is_dropped(&self) -> bool {
        self.dropped.is_cancelled()
    }

    pub(super) async fn dropped(&self) {
        self.dropped.cancelled().await;
    }

    /// Whether no listener call is running on this ordered queue.
    pub(super) fn is_idle(&self) -> bool {
        self.consuming.try_lock().is_ok()
    }

    /// Records when the broker confirmed the lock, or `None` when it refused. Returns the
    /// confirmation before.
    pub(super) fn set_lock(&self, at: Option<Moment>) -> Option<Moment> {
        std::mem::replace(&mut *self.locked.lock(), at)
    }

    pub(super) fn locked_at(&self) -> Option<Moment> {
        *self.locked.lock()
    }
}
