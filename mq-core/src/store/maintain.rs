//! What goes on beside the appends: syncs that no sender waits for, writing what is derived into its
//! files, the mark, room in the log, retention; and the end in order.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::checkpoint::Mark;
use super::config::Flush;
use super::error::{StoreError, at};
use super::shared::{MessageStore, StoreShared};
use crate::tasks::Tasks;

/// The mark is saved so often.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(1);
/// The files of what is derived are synced when so much log has come since the last time, or at the end.
const SYNC_DERIVED_AFTER_BYTES: u64 = 32 * 1024 * 1024;
/// Old segments are looked for so often (`cleanResourceInterval`).
const RETENTION_INTERVAL: Duration = Duration::from_secs(10);

impl MessageStore {
    /// Starts what goes on beside the appends; it ends with `tasks`.
    pub fn run(&self, tasks: &Tasks) {
        let store = Arc::clone(&self.0);
        tasks.spawn_until_stop("store: mark", async move {
            loop {
                let piece_full = store.index.piece_full.notified();
                let _either = store.clock.timeout(CHECKPOINT_INTERVAL, piece_full).await;
                store
                    .in_background("saving the mark", StoreShared::maintain)
                    .await;
            }
        });
        let store = Arc::clone(&self.0);
        tasks.spawn_until_stop("store: room ahead", async move {
            loop {
                if !store.log.wants_room() {
                    let wanted = store.log.ahead.wanted.notified();
                    let _either = store.clock.timeout(CHECKPOINT_INTERVAL, wanted).await;
                    continue;
                }
                let make = |store: &StoreShared| store.log.make_room();
                if !store.in_background("making room in the log", make).await {
                    // `wanted` is no pause: each append notifies it as long as room is missing.
                    store.clock.sleep(CHECKPOINT_INTERVAL).await;
                }
            }
        });
        let store = Arc::clone(&self.0);
        tasks.spawn_until_stop("store: retention", async move {
            loop {
                store.clock.sleep(RETENTION_INTERVAL).await;
                store
                    .in_background("removing old segments", StoreShared::expire)
                    .await;
            }
        });
        let every = match self.0.log.flush {
            Flush::Sync => CHECKPOINT_INTERVAL,
            Flush::Interval { every, bytes } => {
                tracing::info!(
                    "messages count as stored before they are on disk: a loss of power may take \
                     those of the last {every:?}, at most about {bytes} bytes"
                );
                every
            }
        };
        let store = Arc::clone(&self.0);
        tasks.spawn_until_stop("store: sync", async move {
            loop {
                let wanted = store.log.sync_wanted.notified();
                let _either = store.clock.timeout(every, wanted).await;
                if store.log.syncable().is_err() {
                    // Said already, and nothing will come any more.
                    break;
                }
                if store.log.synced_end() < store.log.written_end() {
                    store
                        .in_background("syncing the log", StoreShared::sync_log)
                        .await;
                }
            }
        });
    }

    /// Makes all that is written now survive a loss of power.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the store then takes no more writes.
    pub async fn sync(&self) -> Result<(), StoreError> {
        if self.0.log.synced_end() >= self.0.log.written_end() {
            return Ok(());
        }
        self.run_blocking(|store| store.0.while_open(StoreShared::sync_log))
            .await
    }

    /// Ends in order: everything reaches the disk, and the next start walks nothing. Work that goes
    /// on beside is waited for; on a store that is closed already nothing happens.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the next start then recovers as after a crash.
    pub fn close(&self) -> Result<(), StoreError> {
        self.0.close()
    }
}

impl StoreShared {
    /// Syncs what no sender waits for.
    pub(super) fn sync_log(&self) -> Result<(), StoreError> {
        self.log.sync()?;
        self.announce();
        Ok(())
    }

    /// One round: what is derived into its files, the mark forward. A derived thing that cannot be
    /// stored keeps neither the others nor the mark of the log back, only the mark of what is derived.
    pub(super) fn maintain(&self) -> Result<(), StoreError> {
        let visible = self.log.visible_end();
        let known = self.checkpoint.lock().mark().unwrap_or_default();
        let much_came = visible.saturating_sub(known.derived) >= SYNC_DERIVED_AFTER_BYTES;
        let stored = match self.store_derived(visible) {
            Ok(()) if much_came => self.sync_derived(visible),
            outcome => outcome,
        };
        let saved = self.save_mark();
        stored.and(saved)
    }

    /// Writes what is derived, and indexes messages that were passed over while that failed.
    fn store_derived(&self, visible: u64) -> Result<(), StoreError> {
        self.derived.store(visible)?;
        self.index_dropped()
    }

    /// Syncs what is derived; everything before `visible` was stored.
    pub(super) fn sync_derived(&self, visible: u64) -> Result<(), StoreError> {
        self.derived.sync(visible)?;
        self.derived_synced
            .fetch_max(visible.min(self.log.synced_end()), Ordering::AcqRel);
        Ok(())
    }

    pub(super) fn save_mark(&self) -> Result<(), StoreError> {
        let (end, time_ms) = {
            let tail = self.log.tail.lock();
            (self.log.written_end(), tail.last_timestamp())
        };
        let mark = Mark {
            log: self.log.synced_end(),
            derived: self.derived_synced.load(Ordering::Acquire),
            time_ms,
        };
        let unfiled_since = self.index.unfiled_since();
        let mut checkpoint = self.checkpoint.lock();
        checkpoint.note_end(end, time_ms);
        checkpoint.save(mark, unfiled_since)
    }

    fn close(&self) -> Result<(), StoreError> {
        let mut lock = self.lock.write();
        if lock.is_none() {
            return Ok(());
        }
        let synced = {
            // An append that is under way ends first, and the next finds the log closed.
            let _tail = self.log.tail.lock();
            let synced = self.log.syncable().and_then(|()| self.log.sync());
            self.log.close();
            synced
        };
        self.announce();
        synced?;
        let end = self.log.synced_end();
        self.store_derived(end)?;
        self.index.store_rest()?;
        self.sync_derived(end)?;
        self.save_snapshot()?;
        self.save_mark()?;
        self.log.remove_unused_segment()?;
        let abort = self.paths.abort();
        self.disk.remove(&abort).map_err(at("remove", &abort))?;
        // The directory may be opened again, although somebody still holds this store.
        drop(lock.take());
        Ok(())
    }
}
