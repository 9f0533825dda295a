//! Batches that wait for a listener.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::assigned::Assigned;
use crate::message::MessageExt;

/// Batches that wait for a listener, first come, first served. Flow control bounds it.
#[derive(Debug)]
pub(super) struct WorkQueue {
    waiting: Mutex<VecDeque<Work>>,
    /// One permit for each batch that waits.
    count: Semaphore,
}

#[derive(Debug)]
pub(super) struct Work {
    pub(super) assigned: Arc<Assigned>,
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
    pub(super) fn push(&self, assigned: &Arc<Assigned>, batch: Vec<MessageExt>) {
        self.waiting.lock().push_back(Work {
            assigned: Arc::clone(assigned),
            batch,
        });
        self.count.add_permits(1);
    }

    pub(super) async fn next(&self) -> Option<Work> {
        let permit = self.count.acquire().await.ok()?;
        permit.forget();
        self.waiting.lock().pop_front()
    }
}
