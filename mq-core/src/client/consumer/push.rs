//! The handle of a running consumer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use super::lock;
use super::offsets::Commit;
use crate::message::{GroupName, MessageQueue};
use crate::tasks::Unfinished;

/// A running consumer. Clones are the same consumer.
#[derive(Clone)]
pub struct PushConsumer(pub(super) Arc<Core>);

impl PushConsumer {
    /// The group.
    pub fn group(&self) -> &GroupName {
        &self.0.config.group
    }

    /// The queues that are assigned to this consumer.
    pub fn assignment(&self) -> Vec<MessageQueue> {
        self.0.assigned.lock().keys().cloned().collect()
    }

    /// Stops pulling, waits at most `limit` for running listener calls, commits the offsets of
    /// finished messages, and leaves the group.
    ///
    /// Messages that were not yet given to the listener are left for the next consumer.
    ///
    /// # Errors
    ///
    /// [`Unfinished`] when a call is still running; its messages are delivered again.
    pub async fn shutdown(&self, limit: Duration) -> Result<(), Unfinished> {
        let core = &*self.0;
        let outcome = core.tasks.stop(limit).await;
        let assigned = std::mem::take(&mut *core.assigned.lock());
        for assigned in assigned.values() {
            assigned.mark_dropped();
        }
        let queues: Vec<_> = assigned.keys().cloned().collect();
        core.offsets.commit(&queues, Commit::Confirmed).await;
        if core.is_locking() {
            // A queue with a running call stays locked, so that no other member consumes it
            // meanwhile.
            let idle = assigned.values().filter(|assigned| assigned.is_idle());
            let idle: Vec<_> = idle.map(|assigned| assigned.queue.clone()).collect();
            lock::release(core, &idle).await;
        }
        let group = &core.config.group;
        core.cluster.groups.lock().remove_consumer(group);
        core.cluster.unregister(None, Some(group)).await;
        outcome
    }
}

impl fmt::Debug for PushConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushConsumer")
            .field("group", self.group())
            .field("assignment", &self.assignment())
            .finish_non_exhaustive()
    }
}
