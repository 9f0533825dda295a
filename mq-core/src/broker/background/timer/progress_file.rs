//! The progress in `config/timerProgress.json`.
//!
//! Apache's broker knows nothing of this file; what it must know stands in `timercheck`, which is written
//! behind it, and whose content is repeated here, with the one before: another content there says that
//! Apache's broker has had the store.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use super::progress::TimerProgress;
use super::table::TimerTable;
use super::timercheck::{self, Timercheck};
use crate::broker::state::config_file::ConfigFile;
use crate::clock::Clock;
use crate::saved_file::FileError;
use crate::store::disk::Disk;
use crate::store::{MessageStore, StoreError};
use crate::wire::fastjson;

/// While the broker runs the progress is saved with more late messages than this only now and then. The
/// older one stays right: it says of fewer messages that they are done with.
const MAX_LATE_WHILE_RUNNING: usize = 10_000;
/// Of so many saves while the broker runs one has all late messages: those that wait for a topic may be
/// many for ever, and after a crash all that was delivered since the last save would come again.
const SAVES_TO_ONE_OF_ALL: u64 = 60;

/// The file.
#[derive(Debug)]
pub(super) struct ProgressFile {
    file: ConfigFile,
    store: MessageStore,
    /// Held during a save, so that both files are of the same one.
    saving: Mutex<()>,
    /// How often it was asked for a save while the broker runs.
    asked: AtomicU64,
    clock: Clock,
}

impl ProgressFile {
    pub(super) fn open(
        store: &MessageStore,
        root: &Path,
        clock: &Clock,
    ) -> Result<(Self, TimerProgress), FileError> {
        let disk: &Arc<dyn Disk> = store.disk();
        let (file, progress) = ConfigFile::open(disk, root, "timerProgress.json", clock)?;
        let file = Self {
            file,
            store: store.clone(),
            saving: Mutex::default(),
            asked: AtomicU64::new(0),
            clock: clock.clone(),
        };
        Ok((file, progress))
    }

    /// Saves what has become of messages; when many are late, once in a while.
    pub(super) async fn save_while_running(&self, table: &TimerTable) -> Result<(), SaveError> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let max_late = if asked.is_multiple_of(SAVES_TO_ONE_OF_ALL) {
            usize::MAX
        } else {
            MAX_LATE_WHILE_RUNNING
        };
        self.save(table, max_late).await
    }

    /// Saves what has become of messages.
    pub(super) async fn save_all(&self, table: &TimerTable) -> Result<(), SaveError> {
        self.save(table, usize::MAX).await
    }

    async fn save(&self, table: &TimerTable, max_late: usize) -> Result<(), SaveError> {
        let _saving = self.saving.lock().await;
        let Some(mut progress) = table.progress(max_late) else {
            return Ok(());
        };
        let saved = self.write(&mut progress).await;
        if saved.is_err() {
            table.say_changed();
        }
        saved
    }

    /// First what was delivered reaches the disk, then what says so.
    async fn write(&self, progress: &mut TimerProgress) -> Result<(), SaveError> {
        self.store.sync().await?;
        let check = Timercheck::of(progress, self.clock.now_ms());
        let before = self.store.run_blocking(timercheck::read).await?;
        progress.timercheck_before = before.map_or_else(Vec::new, |check| check.numbers().to_vec());
        progress.timercheck = check.numbers().to_vec();
        self.file.save(|| fastjson::write(&progress)).await?;
        Ok(self
            .store
            .run_blocking(move |store| timercheck::write(store, &check))
            .await?)
    }
}

/// Why the progress could not be saved.
#[derive(Debug, thiserror::Error)]
pub(super) enum SaveError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreConfig;
    use crate::store::disk::MemoryDisk;

    /// Regression: while many messages waited for a topic nothing was saved, and after a crash all that
    /// had been delivered meanwhile came again.
    #[tokio::test]
    async fn the_progress_is_saved_now_and_then_however_many_are_late() {
        let clock = Clock::manual(0);
        let config = StoreConfig {
            segment_size: 64 * 1024,
            ..StoreConfig::new("/s")
        };
        let disk = Arc::new(MemoryDisk::default());
        let store = MessageStore::open(config, disk, clock.clone()).unwrap().0;
        let open = || ProgressFile::open(&store, Path::new("/s"), &clock).unwrap();
        let table = TimerTable::default();
        table.say_loaded();
        for offset in 0..20_000 {
            table.arrived(offset, 1_000);
        }
        table.arrived(20_000, 1_001);
        let due = table.take(1_001, usize::MAX).timers;
        table.settle(due.last_chunk::<1>().unwrap());
        let (file, _) = open();

        for _ in 1..SAVES_TO_ONE_OF_ALL {
            file.save_while_running(&table).await.unwrap();
        }
        assert_eq!(open().1, TimerProgress::default());
        file.save_while_running(&table).await.unwrap();

        let saved = open().1;
        assert!(saved.is_pending(19_999, 1_000) && !saved.is_pending(20_000, 1_001));
    }
}
