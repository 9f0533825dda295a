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

/// While the broker runs the progress is not saved with more late messages than this. The older one stays
/// right: it says of fewer messages that they are done with.
const MAX_LATE_WHILE_RUNNING: usize = 10_000;

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

    /// Saves what has become of messages, unless too many are late.
    pub(super) async fn save_while_running(&self, table: &TimerTable) -> Result<(), SaveError> {
        self.save(table, MAX_LATE_WHILE_RUNNING).await
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
