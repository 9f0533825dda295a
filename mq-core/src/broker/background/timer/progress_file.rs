//! The progress in `config/timerProgress.json`.
//!
//! Apache's broker knows nothing of this file; what it must know stands in `timercheck`, which is written
//! behind it, and whose content is repeated here, with the one before: another content there says that
//! Apache's broker has had the store.

use std::path::Path;
use std::sync::Arc;

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

/// The file.
#[derive(Debug)]
pub(super) struct ProgressFile {
    file: ConfigFile,
    store: MessageStore,
    /// Held during a save, so that both files are of the same one.
    saving: Mutex<()>,
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
            clock: clock.clone(),
        };
        Ok((file, progress))
    }

    /// Saves what has become of messages.
    pub(super) async fn save(&self, table: &TimerTable) -> Result<(), SaveError> {
        let _saving = self.saving.lock().await;
        let Some(mut progress) = table.progress() else {
            return Ok(());
        };
        let saved = self.write(&mut progress).await;
        match saved {
            Ok(()) => table.say_saved(&progress),
            Err(_) => table.say_changed(),
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
    async fn the_progress_is_saved_however_many_are_late() {
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

        open().0.save(&table).await.unwrap();

        let saved = open().1;
        assert!(saved.is_pending(19_999, 1_000) && !saved.is_pending(20_000, 1_001));
    }
}
