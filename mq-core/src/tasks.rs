//! Background tasks: every task is spawned through the [`Tasks`] of its owner, who waits for it
//! when it stops.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;

/// The tasks of one owner. Clones share them.
#[derive(Clone, Debug)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    running: Arc<Mutex<RunningTasks>>,
    clock: Clock,
}

/// The names of the tasks that have not ended, in the order in which they were spawned.
#[derive(Debug, Default)]
struct RunningTasks {
    names: BTreeMap<u64, &'static str>,
    next: u64,
}

/// The tasks that had not ended at the deadline of [`Tasks::stop`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("still running after the deadline: {}", .0.join(", "))]
pub struct Unfinished(pub Vec<&'static str>);

impl Tasks {
    /// No task yet.
    pub fn new(clock: Clock) -> Self {
        Self {
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            running: Arc::default(),
            clock,
        }
    }

    /// Runs `task` to its end. When it misses the deadline of [`Tasks::stop`], [`Unfinished`] lists
    /// its `name`.
    ///
    /// The task is not cancelled: it has to watch [`Tasks::stopping`] itself.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let entry = self.enter(name);
        self.tracker.spawn(async move {
            let _entry = entry;
            task.await;
        });
    }

    /// Runs `task` until it ends or the owner stops; then it is dropped at its current `.await`.
    /// For loops that are cancel-safe.
    pub fn spawn_until_stop(
        &self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let stop = self.stop.clone();
        self.spawn(name, async move {
            stop.run_until_cancelled(task).await;
        });
    }

    /// Resolves when a stop is requested.
    pub async fn stopping(&self) {
        self.stop.cancelled().await;
    }

    /// Whether a stop was requested.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Asks every task to end, without waiting.
    pub fn request_stop(&self) {
        self.stop.cancel();
    }

    /// Asks every task to end and waits for all of them, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`Unfinished`] names the tasks that are still running.
    pub async fn stop(&self, limit: Duration) -> Result<(), Unfinished> {
        self.stop.cancel();
        self.tracker.close();
        match self.clock.timeout(limit, self.tracker.wait()).await {
            Ok(()) => Ok(()),
            Err(_) => Err(Unfinished(
                self.running.lock().names.values().copied().collect(),
            )),
        }
    }

    fn enter(&self, name: &'static str) -> TaskName {
        let mut running = self.running.lock();
        let id = running.next;
        running.next += 1;
        running.names.insert(id, name);
        TaskName {
            id,
            running: Arc::clone(&self.running),
        }
    }
}

/// Removes the task's name when the task ends, panics or is dropped.
struct TaskName {
    id: u64,
    running: Arc<Mutex<RunningTasks>>,
}

impl Drop for TaskName {
    fn drop(&mut self) {
        self.running.lock().names.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stop_names_the_tasks_that_did_not_end() {
        let tasks = Tasks::new(Clock::system());
        tasks.spawn("stubborn", std::future::pending());
        tasks.spawn_until_stop("obedient", std::future::pending());

        let outcome = tasks.stop(Duration::from_millis(20)).await;

        assert_eq!(outcome, Err(Unfinished(vec!["stubborn"])));
    }
}
