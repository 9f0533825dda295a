//! Who waits for which task: whoever spawns one through [`Tasks`] waits for it at the end.

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
    running: Arc<Mutex<Running>>,
    clock: Clock,
}

/// The names of the tasks that have not ended, in the order of their beginning.
#[derive(Debug, Default)]
struct Running {
    names: BTreeMap<u64, &'static str>,
    next: u64,
}

/// Tasks that had not ended when the owner stopped waiting.
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

    /// Runs `task` to its end; `name` tells people what it is when it does not end.
    ///
    /// The task itself watches [`Tasks::stopping`] where it waits.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let entry = self.enter(name);
        self.tracker.spawn(async move {
            let _entry = entry;
            task.await;
        });
    }

    /// Runs `task` until it ends or the owner stops, whichever is first: for loops that lose
    /// nothing when they are dropped at a point where they wait.
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

    /// Resolves when the owner stops.
    pub async fn stopping(&self) {
        self.stop.cancelled().await;
    }

    /// Whether the owner stops.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Tells every task to end, without waiting.
    pub fn request_stop(&self) {
        self.stop.cancel();
    }

    /// Tells every task to end and waits for them, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`Unfinished`] names the tasks that go on.
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

    fn enter(&self, name: &'static str) -> Entry {
        let mut running = self.running.lock();
        let id = running.next;
        running.next += 1;
        running.names.insert(id, name);
        Entry {
            id,
            running: Arc::clone(&self.running),
        }
    }
}

/// Takes its task off the list, however the task ends.
struct Entry {
    id: u64,
    running: Arc<Mutex<Running>>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.running.lock().names.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_stops_learns_what_did_not_end() {
        let tasks = Tasks::new(Clock::system());
        tasks.spawn("stubborn", std::future::pending());
        tasks.spawn_until_stop("obedient", std::future::pending());

        let outcome = tasks.stop(Duration::from_millis(20)).await;

        assert_eq!(outcome, Err(Unfinished(vec!["stubborn"])));
    }
}
