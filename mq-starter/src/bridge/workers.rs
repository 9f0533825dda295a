//! The threads on which the handlers of one group run.
//!
//! Invariant: a handler never runs on a thread of the application's runtime, so one that blocks its
//! thread holds up neither the web server nor the client nor the broker in this process. The
//! threads are inside that runtime all the same: the sockets, timers and tasks that a handler uses
//! are the runtime's, and none of them waits for a handler.
//!
//! Handlers that await share a few threads. A thread is added for each handler that is known to
//! block, and for those that turn out to, up to the handlers that the group has at a time.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, available_parallelism};
use std::time::Duration;

use async_task::{FallibleTask, Runnable};
use mq_core::clock::Clock;
use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// A thread that had nothing to do for so long ends.
const IDLE_THREAD_LIFETIME: Duration = Duration::from_secs(10);

/// When no thread has taken up a handler for so long and some wait, threads are added.
const STALL_BEFORE_MORE_THREADS: Duration = Duration::from_millis(10);

/// What a handler does with its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conduct {
    /// It awaits, and shares its thread with others.
    Awaits,
    /// It blocks: it gets a thread at once.
    Blocks,
}

/// The threads of one group. They end when this is dropped and what they had is finished.
pub(super) struct Workers(Arc<Pool>);

struct Pool {
    /// What the threads are called.
    name: String,
    /// The runtime that the threads are inside of.
    runtime: Handle,
    /// Threads that handlers which await share.
    usual: usize,
    /// Threads at most.
    most: usize,
    state: Mutex<PoolState>,
    called: Condvar,
    /// A handler waits that got no thread at once.
    crowded: Notify,
}

#[derive(Default)]
struct PoolState {
    waiting: VecDeque<Runnable>,
    threads: usize,
    /// Threads that sleep until they are called.
    idle: usize,
    /// Threads that were called and have not woken up yet; they are idle no more.
    called: usize,
    /// Threads that were started and do not run yet.
    starting: usize,
    /// How often a thread took up a handler.
    taken: u64,
    closed: bool,
}

impl Workers {
    /// No thread yet; at most `most` of them.
    pub(super) fn new(name: impl Into<String>, most: u16, runtime: Handle) -> Self {
        let most = usize::from(most.max(1));
        let processors = available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Pool {
            name: name.into(),
            runtime,
            usual: processors.max(2).min(most),
            most,
            state: Mutex::default(),
            called: Condvar::new(),
            crowded: Notify::new(),
        }))
    }

    /// Runs `handler` on these threads. When what is returned is dropped, `handler` is dropped too, as
    /// soon as it does not run; `None` when it panicked.
    pub(super) fn run<T: Send + 'static>(
        &self,
        conduct: Conduct,
        handler: impl Future<Output = T> + Send + 'static,
    ) -> FallibleTask<T> {
        let pool = Arc::clone(&self.0);
        let queue = move |runnable| pool.push(runnable, conduct);
        let (runnable, task) = async_task::spawn(handler, queue);
        runnable.schedule();
        task.fallible()
    }

    /// Adds threads when all are held and handlers wait, until it is dropped.
    pub(super) fn relieve(&self, clock: Clock) -> impl Future<Output = ()> + Send + use<> {
        let pool = Arc::clone(&self.0);
        async move {
            loop {
                pool.crowded.notified().await;
                let mut taken = pool.state.lock().taken;
                loop {
                    clock.sleep(STALL_BEFORE_MORE_THREADS).await;
                    match pool.add_when_stalled(taken) {
                        Some(now) => taken = now,
                        None => break,
                    }
                }
            }
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        let left = {
            let mut state = self.0.state.lock();
            state.closed = true;
            std::mem::take(&mut state.waiting)
        };
        self.0.called.notify_all();
        drop(left);
    }
}

impl Pool {
    fn push(self: &Arc<Self>, runnable: Runnable, conduct: Conduct) {
        let mut state = self.state.lock();
        if state.closed {
            drop(state);
            drop(runnable);
            return;
        }
        state.waiting.push_back(runnable);
        let at_once = match conduct {
            Conduct::Awaits => self.usual,
            Conduct::Blocks => self.most,
        };
        if state.at_work() < at_once {
            self.put_to_work(&mut state, 1);
        } else if state.at_work() < self.most {
            self.crowded.notify_one();
        }
    }

    /// Doubles the threads at work when none has taken up a handler since `taken` were; gives how
    /// many are taken now, or `None` when no handler waits or all threads are at work.
    fn add_when_stalled(self: &Arc<Self>, taken: u64) -> Option<u64> {
        let mut state = self.state.lock();
        let at_work = state.at_work();
        if state.waiting.is_empty() || at_work >= self.most {
            return None;
        }
        if state.taken == taken {
            let coming = state.called + state.starting;
            let left = state.waiting.len().saturating_sub(coming);
            let more = left.min(at_work.max(1)).min(self.most - at_work);
            self.put_to_work(&mut state, more);
        }
        Some(state.taken)
    }

    /// Calls `count` threads that are idle, or starts them.
    fn put_to_work(self: &Arc<Self>, state: &mut PoolState, count: usize) {
        for _ in 0..count {
            if state.idle > 0 {
                state.idle -= 1;
                state.called += 1;
                self.called.notify_one();
                continue;
            }
            match self.spawn(state.threads) {
                Ok(()) => {
                    state.threads += 1;
                    state.starting += 1;
                }
                Err(error) => {
                    let (threads, name) = (state.threads, &self.name);
                    tracing::error!(
                        %error, threads, "a thread `{name}` could not be started: messages of this \
                         group wait for the threads that it has"
                    );
                    self.crowded.notify_one();
                    return;
                }
            }
        }
    }

    fn spawn(self: &Arc<Self>, number: usize) -> io::Result<()> {
        let pool = Arc::clone(self);
        let builder = thread::Builder::new().name(format!("{}-{number}", self.name));
        builder.spawn(move || pool.work()).map(drop)
    }

    /// One thread: takes up one handler after the other.
    fn work(&self) {
        let _inside = self.runtime.enter();
        let mut state = self.state.lock();
        state.starting -= 1;
        loop {
            if let Some(runnable) = state.waiting.pop_front() {
                state.taken += 1;
                // A handler's own panic is caught by who calls it; this one is of what it drops.
                let run = AssertUnwindSafe(|| drop(catch_unwind(|| runnable.run())));
                MutexGuard::unlocked(&mut state, run);
            } else if !self.is_called(&mut state) {
                state.threads -= 1;
                return;
            }
        }
    }

    /// Sleeps until there is something to do; `false` when the thread is to end.
    fn is_called(&self, state: &mut MutexGuard<'_, PoolState>) -> bool {
        if state.closed {
            return false;
        }
        state.idle += 1;
        loop {
            let slept = self.called.wait_for(state, IDLE_THREAD_LIFETIME);
            if state.called > 0 {
                state.called -= 1;
                return true;
            }
            if state.closed || slept.timed_out() {
                state.idle -= 1;
                return false;
            }
        }
    }
}

impl PoolState {
    fn at_work(&self) -> usize {
        self.threads - self.idle
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.state.lock();
        f.debug_struct("Workers")
            .field("name", &self.0.name)
            .field("threads", &state.threads)
            .field("waiting", &state.waiting.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Handlers that block until they are told to go on, and say when they begin.
    struct Blocked {
        began: mpsc::Receiver<usize>,
        go_on: Vec<mpsc::Sender<()>>,
        handlers: Vec<FallibleTask<()>>,
    }

    fn block(workers: &Workers, conduct: Conduct, count: usize) -> Blocked {
        let (say, began) = mpsc::channel();
        let (mut go_on, mut handlers) = (Vec::new(), Vec::new());
        for number in 0..count {
            let (tell, told) = mpsc::channel();
            let say = say.clone();
            handlers.push(workers.run(conduct, async move {
                say.send(number).unwrap();
                told.recv().unwrap();
            }));
            go_on.push(tell);
        }
        Blocked {
            began,
            go_on,
            handlers,
        }
    }

    impl Blocked {
        fn await_begin(&self, count: usize) {
            for _ in 0..count {
                self.began.recv().unwrap();
            }
        }

        async fn end(self) {
            for tell in self.go_on {
                tell.send(()).unwrap();
            }
            for handler in self.handlers {
                handler.await.unwrap();
            }
        }
    }

    fn threads(workers: &Workers) -> usize {
        workers.0.state.lock().threads
    }

    #[tokio::test]
    async fn handlers_that_are_known_to_block_get_a_thread_at_once_up_to_the_limit() {
        let workers = Workers::new("test", 20, Handle::current());

        let blocked = block(&workers, Conduct::Blocks, 22);

        blocked.await_begin(20);
        assert_eq!(threads(&workers), 20);
        blocked.end().await;
    }

    #[tokio::test]
    async fn handlers_that_turn_out_to_block_get_threads_after_a_while() {
        let clock = Clock::manual(0);
        let workers = Workers::new("test", 1000, Handle::current());
        let usual = workers.0.usual;
        let mut relief = std::pin::pin!(workers.relieve(clock.clone()));

        let blocked = block(&workers, Conduct::Awaits, usual + 1);

        blocked.await_begin(usual);
        assert_eq!(threads(&workers), usual);
        tokio::select! {
            biased;
            () = &mut relief => unreachable!("it never ends"),
            () = clock.advance(STALL_BEFORE_MORE_THREADS * 3) => {}
        }
        blocked.await_begin(1);
        assert_eq!(threads(&workers), usual + 1);
        blocked.end().await;
    }

    #[tokio::test]
    async fn threads_end_with_their_owner() {
        let workers = Workers::new("test", 2, Handle::current());
        let pool = Arc::clone(&workers.0);
        workers.run(Conduct::Blocks, async {}).await.unwrap();

        drop(workers);

        while pool.state.lock().threads > 0 {
            tokio::task::yield_now().await;
        }
    }
}
