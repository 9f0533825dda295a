//! The queue of batches for a concurrent listener.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::assigned::AssignedQueue;
use crate::message::MessageExt;

/// A first-in, first-out queue of batches for the listener. [`FlowLimits`](super::FlowLimits) bound
/// its size.
#[derive(Debug)]
pub(super) struct WorkQueue {
    waiting: Mutex<VecDeque<ListenerBatch>>,
    /// One permit for each waiting batch.
    count: Semaphore,
}

#[derive(Debug)]
pub(super) struct ListenerBatch {
    pub(super) assigned: Arc<AssignedQueue>,
    pub(super) batch: Vec<MessageExt>,
}

impl Default for WorkQueue {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            count: Semaphore::new(0),
        }
    }
}

impl WorkQueue {
    pub(super) fn push(&self, assigned: &Arc<AssignedQueue>, batch: Vec<MessageExt>) {
        self.waiting.lock().push_back(ListenerBatch {
            assigned: Arc::clone(assigned),
            batch,
        });
        self.count.add_permits(1);
    }

    pub(super) async fn next(&self) -> Option<ListenerBatch> {
        let permit = self.count.acquire().await.ok()?;
        permit.forget();
        self.waiting.lock().pop_front()
    }
}
