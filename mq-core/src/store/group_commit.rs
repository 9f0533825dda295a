//! Group commit without a timer: the first waiter that finds no sync running does it for all who
//! have come meanwhile; one of those who come during it leads the next.
//!
//! The sync runs on the waiter's own task, since the hand-overs to a flusher thread and back would
//! take as long again. Where the disk is slow they do not count, but a task that stands still reads
//! nothing from its connection meanwhile: there the sync runs beside.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;

use super::error::AppendError;
use super::shared::StoreShared;

/// From here on the disk counts as slow and syncs run on another thread: handing them over costs a
/// hundredth of that.
const SLOW_SYNC: Duration = Duration::from_millis(2);

/// Resolves when the log is on disk up to `end`.
#[derive(Debug)]
pub(super) struct SyncWait {
    store: Arc<StoreShared>,
    end: u64,
}

impl SyncWait {
    pub(super) fn new(store: Arc<StoreShared>, end: u64) -> Self {
        Self { store, end }
    }

    fn lead(&self) {
        let slow = self.store.log.slow_disk.load(Ordering::Relaxed);
        match Handle::try_current() {
            Ok(runtime) if slow => {
                let store = Arc::clone(&self.store);
                runtime.spawn_blocking(move || sync_for_all(&store));
            }
            _ => sync_for_all(&self.store),
        }
    }
}

/// Syncs, then wakes all waiters; one of those that the sync did not cover leads the next.
fn sync_for_all(store: &StoreShared) {
    let begun = store.clock.moment();
    let synced = store.log.sync();
    let took = store.clock.moment().since(begun);
    store
        .log
        .slow_disk
        .store(took > SLOW_SYNC, Ordering::Relaxed);
    let waiting = store.log.waiters.end_turn();
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

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            if self.store.log.synced_end() >= self.end {
                return Poll::Ready(Ok(()));
            }
            self.store.log.syncable()?;
            if !self.store.log.waiters.lead_or_wait(context.waker()) {
                return Poll::Pending;
            }
            self.lead();
        }
    }
}
