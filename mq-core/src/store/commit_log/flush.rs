//! Group commit without a timer: the first waiter that finds no sync running does it for all who
//! have come meanwhile; one of those who come during it leads the next.
//!
//! The sync runs on the waiter's own task, since the hand-overs to a flusher thread and back would
//! take as long again. Where the disk is slow they do not count, but a task that stands still reads
//! nothing from its connection meanwhile: there the sync runs beside.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::CommitLog;
use crate::store::{AppendError, Inner};

/// A hundred hand-overs between threads.
const SLOW: Duration = Duration::from_millis(2);

/// Who waits for which end of the log, and whether somebody is syncing.
#[derive(Debug, Default)]
pub(in crate::store) struct Flusher {
    waiters: Mutex<Waiters>,
    /// The last sync that somebody waited for took long.
    slow: AtomicBool,
}

#[derive(Debug, Default)]
struct Waiters {
    leading: bool,
    waiting: Vec<Waker>,
}

impl Flusher {
    pub(super) fn wake_all(&self) {
        let waiting = std::mem::take(&mut self.waiters.lock().waiting);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl CommitLog {
    /// Syncs everything written so far; gives the end that is on disk now.
    pub(in crate::store) fn sync(&self) -> Result<u64, AppendError> {
        let _alone = self.syncing.lock();
        let end = self.written_end();
        let from = self.synced_end();
        if end == from {
            return Ok(end);
        }
        if let Err(AppendError::Closed(reason)) = self.writable() {
            return Err(AppendError::Closed(reason));
        }
        for segment in self.segments() {
            if segment.base + self.segment_size <= from || segment.base >= end {
                continue;
            }
            if let Err(error) = segment.file.sync() {
                let reason = format!(
                    "could not sync `{}`: {error}",
                    self.path_of(&segment).display()
                );
                tracing::error!("{reason}; the store takes no more writes");
                self.close(&reason);
                return Err(AppendError::Closed(reason));
            }
        }
        self.figures.syncs.fetch_add(1, Ordering::Relaxed);
        self.synced.fetch_max(end, Ordering::AcqRel);
        Ok(end)
    }
}

/// Resolves when the log is on disk up to `end`.
#[derive(Debug)]
pub(in crate::store) struct SyncWait {
    store: Arc<Inner>,
    end: u64,
    waited: bool,
}

impl SyncWait {
    pub(in crate::store) fn new(store: Arc<Inner>, end: u64) -> Self {
        Self {
            store,
            end,
            waited: false,
        }
    }

    /// Joins those who wait; `false` when this one is to lead.
    fn join(&self, context: &Context<'_>) -> bool {
        let mut waiters = self.store.log.flusher.waiters.lock();
        if waiters.leading || !self.waited {
            waiters.waiting.push(context.waker().clone());
            return true;
        }
        waiters.leading = true;
        false
    }

    fn lead(&self) {
        let slow = self.store.log.flusher.slow.load(Ordering::Relaxed);
        match Handle::try_current() {
            Ok(runtime) if slow => {
                let store = Arc::clone(&self.store);
                runtime.spawn_blocking(move || sync_for_all(&store));
            }
            _ => sync_for_all(&self.store),
        }
    }
}

/// Syncs, tells everybody, and lets one of the late comers lead the next.
fn sync_for_all(store: &Inner) {
    let begun = store.clock.moment();
    let synced = store.log.sync();
    let took = store.clock.moment().since(begun);
    let flusher = &store.log.flusher;
    flusher.slow.store(took > SLOW, Ordering::Relaxed);
    let waiting = {
        let mut waiters = flusher.waiters.lock();
        waiters.leading = false;
        std::mem::take(&mut waiters.waiting)
    };
    if synced.is_ok() {
        store.announce();
    }
    waiting.into_iter().for_each(Waker::wake);
}

impl Drop for SyncWait {
    /// Whoever stops waiting leaves the sync to the background.
    fn drop(&mut self) {
        if self.store.log.synced_end() < self.end {
            self.store.log.sync_wanted.notify_one();
        }
    }
}

impl Future for SyncWait {
    type Output = Result<(), AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            if self.store.log.synced_end() >= self.end {
                return Poll::Ready(Ok(()));
            }
            if let Err(AppendError::Closed(reason)) = self.store.log.writable() {
                return Poll::Ready(Err(AppendError::Closed(reason)));
            }
            if self.join(context) {
                if !self.waited {
                    // Nobody leads in its first turn: the requests behind this one in the same
                    // buffer are appended first and share the sync.
                    self.waited = true;
                    context.waker().wake_by_ref();
                }
                return Poll::Pending;
            }
            self.lead();
        }
    }
}
