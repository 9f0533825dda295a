//! The handle of a running consumer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use super::lock;
use super::seek::{self, SeekError, SeekTo};
use super::status::{self, ConsumerStatus};
use crate::client::cluster::Role;
use crate::message::{GroupName, MessageQueue};
use crate::tasks::Unfinished;

/// A running consumer. Clones are the same consumer.
///
/// Dropping the last handle does not stop it: the consumer goes on as a member of its group. Keep a handle to
/// [shut it down](Self::shutdown), which commits the offsets of what is finished and leaves the group.
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

    /// Pauses the consumer: no pull and no listener call begins before [`resume`](Self::resume). Calls
    /// that run go on. It stays a member of the group, and keeps its queues.
    pub fn pause(&self) {
        self.0.pause.set(true);
    }

    /// Goes on after a [`pause`](Self::pause).
    pub fn resume(&self) {
        self.0.pause.set(false);
    }

    /// Goes on at another place in a queue. Messages of the queue that were pulled are dropped, and the
    /// outcome of a listener call that has one is ignored. The new offset is committed at once.
    ///
    /// # Errors
    ///
    /// [`SeekError`]: the queue is not this consumer's, or has no such offset.
    pub async fn seek(&self, queue: &MessageQueue, to: impl Into<SeekTo>) -> Result<(), SeekError> {
        let core = &*self.0;
        if core.tasks.is_stopping() {
            return Err(SeekError::ShutDown);
        }
        let assigned = || {
            let assigned = core.assigned.lock().get(queue).map(Arc::clone);
            assigned.ok_or_else(|| SeekError::NotAssigned(queue.clone()))
        };
        assigned()?;
        let offset = seek::target(&core.cluster, queue, to.into()).await?;
        let assigned = assigned()?;
        core.move_to(&assigned, offset);
        Ok(())
    }

    /// What it is doing: its queues, and how far it is in each.
    pub fn status(&self) -> ConsumerStatus {
        status::of(&self.0)
    }

    /// Stops pulling, waits for running listener calls, commits the offsets of finished messages, and
    /// leaves the group. `limit` is for all of that: calls have four fifths of it, and the last fifth is
    /// kept for what follows them.
    ///
    /// Messages that were not yet given to the listener are left for the next consumer. A second call only
    /// waits for the calls that are still running.
    ///
    /// # Errors
    ///
    /// [`Unfinished`] when a call is still running, whose messages are delivered again, or with
    /// [`COMMITTING_OFFSETS`](crate::client::COMMITTING_OFFSETS) when a broker did not confirm the offsets in time.
    pub async fn shutdown(&self, limit: Duration) -> Result<(), Unfinished> {
        self.shutdown_with(limit.saturating_mul(4) / 5, limit).await
    }

    /// As [`shutdown`](Self::shutdown); running calls have `calls` at most.
    ///
    /// # Errors
    ///
    /// As [`shutdown`](Self::shutdown).
    pub async fn shutdown_with(&self, calls: Duration, limit: Duration) -> Result<(), Unfinished> {
        let core = &*self.0;
        let clock = &core.cluster.clock;
        let deadline = clock.moment().plus(limit);
        let was_running = !core.tasks.is_stopping();
        // The locks of calls that are still running are renewed until they have ended.
        let outcome = tokio::select! {
            biased;
            outcome = core.tasks.stop(calls.min(limit)) => outcome,
            never = lock::renew(Arc::clone(&self.0)) => never,
        };
        if !was_running {
            return outcome;
        }
        let assigned = std::mem::take(&mut *core.assigned.lock());
        for assigned in assigned.values() {
            assigned.mark_dropped();
        }
        let queues: Vec<_> = assigned.keys().cloned().collect();
        let outcome = core.offsets.last_commit(&queues, deadline, outcome).await;
        if core.is_locking() {
            // A queue with a running call stays locked, so that no other member consumes it
            // meanwhile.
            let idle = assigned.values().filter(|assigned| assigned.is_idle());
            let idle: Vec<_> = idle.map(|assigned| assigned.queue.clone()).collect();
            let released = clock.timeout_at(deadline, lock::release(core, &idle)).await;
            if released.is_err() {
                tracing::debug!(group = %core.config.group, "not all locks could be released in time; they expire by themselves");
            }
        }
        let group = &core.config.group;
        core.cluster.groups.lock().remove_consumer(group);
        core.cluster.leave(group, Role::Consumer, deadline).await;
        if let Some(tracer) = &core.tracer {
            tracer.shutdown(deadline).await;
        }
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
