//! A queue that is ours at present.
//!
//! Once it is dropped nothing of it may be committed any more, except by whoever drops it.

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::process_queue::ProcessQueue;
use crate::clock::Moment;
use crate::message::{MessageQueue, QueueOffset};

#[derive(Debug)]
pub(super) struct Assigned {
    pub(super) queue: MessageQueue,
    pub(super) held: Mutex<ProcessQueue>,
    /// Something was finished: there may be room to pull again.
    pub(super) finished: Notify,
    /// Something came in, for whoever takes it in order.
    pub(super) arrived: Notify,
    /// Where the first pull begins; asked for when the queue became ours.
    pub(super) start: QueueOffset,
    /// Held while a listener has messages of an ordered queue.
    pub(super) consuming: tokio::sync::Mutex<()>,
    /// When the lock of an ordered queue was last confirmed.
    locked: Mutex<Option<Moment>>,
    dropped: CancellationToken,
}

impl Assigned {
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

    /// It belongs to somebody else from now on. Whoever notes how far it is does so while it holds
    /// the messages, and so has done it before or sees that it is dropped.
    pub(super) fn drop_it(&self) {
        let _held = self.held.lock();
        self.dropped.cancel();
    }

    pub(super) fn is_dropped(&self) -> bool {
        self.dropped.is_cancelled()
    }

    pub(super) async fn dropped(&self) {
        self.dropped.cancelled().await;
    }

    /// Whether no call of the listener is under way on this ordered queue.
    pub(super) fn is_idle(&self) -> bool {
        self.consuming.try_lock().is_ok()
    }

    /// The broker has confirmed the lock, or has not; gives when it did so before.
    pub(super) fn set_lock(&self, at: Option<Moment>) -> Option<Moment> {
        std::mem::replace(&mut *self.locked.lock(), at)
    }

    pub(super) fn locked_at(&self) -> Option<Moment> {
        *self.locked.lock()
    }
}
