//! What a running consumer is doing.

use super::core::Core;
use crate::message::{MessageQueue, QueueOffset};

/// What a running consumer is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerStatus {
    /// Whether it is paused.
    pub is_paused: bool,
    /// The queues that are assigned to it.
    pub queues: Vec<QueueStatus>,
}

/// How far a consumer is in one queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueStatus {
    /// The queue.
    pub queue: MessageQueue,
    /// The offset of the first message that is not finished; it is committed next.
    pub position: QueueOffset,
    /// Messages that were pulled and are not finished.
    pub held: usize,
    /// Bytes of their bodies.
    pub held_bytes: usize,
    /// Whether the broker has locked the queue for this member; `None` where no lock is needed.
    pub is_locked: Option<bool>,
}

pub(super) fn of(core: &Core) -> ConsumerStatus {
    let queues = core.owned().into_iter().map(|assigned| {
        let held = assigned.held.lock();
        let cached = held.cached();
        QueueStatus {
            queue: assigned.queue.clone(),
            position: core.position(&assigned),
            held: cached.count,
            held_bytes: cached.bytes,
            is_locked: core.is_locking().then(|| assigned.locked_at().is_some()),
        }
    });
    ConsumerStatus {
        is_paused: core.pause.is_on(),
        queues: queues.collect(),
    }
}
