//! The offset up to which each delay level is delivered, stored in `config/delayOffset.json`
//! (`ScheduleMessageService`).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::broker::state::config_file::ConfigFile;
use crate::clock::Clock;
use crate::saved_file::FileError;
use crate::store::StoreError;
use crate::store::disk::Disk;
use crate::wire::body::DataVersion;
use crate::wire::fastjson;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DelayOffsetsFile {
    #[serde(default)]
    data_version: DataVersion,
    offset_table: BTreeMap<i32, i64>,
}

/// The offset of the next message of each level, from level 1.
#[derive(Debug)]
pub(in crate::broker) struct DelayOffsets {
    content: Mutex<DelayOffsetsFile>,
    changed: AtomicBool,
    file: ConfigFile,
    clock: Clock,
}

impl DelayOffsets {
    pub(in crate::broker) fn open(
        disk: &Arc<dyn Disk>,
        root: &Path,
        clock: Clock,
    ) -> Result<Self, FileError> {
        let (file, content) = ConfigFile::open(disk, root, "delayOffset.json", &clock)?;
        Ok(Self {
            content: Mutex::new(content),
            changed: AtomicBool::new(false),
            file,
            clock,
        })
    }

    /// Sets offsets beyond the end of their level's queue, given by `end`, to that end. Otherwise
    /// messages that are stored at those offsets later would never be delivered
    /// (`ScheduleMessageService.correctDelayOffset`).
    ///
    /// Must be called before new messages are stored.
    pub(in crate::broker) fn correct(&self, end: impl Fn(i32) -> i64) {
        for (level, offset) in &mut self.content.lock().offset_table {
            let end = end(*level);
            if *offset > end {
                tracing::warn!(
                    level,
                    offset,
                    end,
                    "the offset of the delay level in delayOffset.json is beyond the end of its queue: delivery \
                         continues at the end"
                );
                *offset = end;
                self.changed.store(true, Ordering::Release);
            }
        }
    }

    /// The offset of the next message of `level`.
    pub(in crate::broker) fn of(&self, level: i32) -> i64 {
        self.content
            .lock()
            .offset_table
            .get(&level)
            .copied()
            .unwrap_or(0)
    }

    /// The content of the file, for administrators.
    pub(in crate::broker) fn to_body(&self) -> bytes::Bytes {
        fastjson::write(&*self.content.lock())
    }

    /// All messages before `offset` are delivered.
    pub(in crate::broker) fn set(&self, level: i32, offset: i64) {
        if self.content.lock().offset_table.insert(level, offset) != Some(offset) {
            self.changed.store(true, Ordering::Release);
        }
    }

    /// Saves the file if anything has changed since the last save, after `log_synced`: first what was
    /// delivered reaches the disk, then what says so. Nothing is saved when the log cannot be synced any
    /// more, which has been told.
    pub(in crate::broker) async fn save(
        &self,
        log_synced: impl Future<Output = Result<(), StoreError>>,
    ) -> Result<(), FileError> {
        if !self.changed.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let content = self.content();
        let outcome = match log_synced.await {
            Ok(()) => self.file.save(|| content).await,
            Err(_) => Ok(()),
        };
        if outcome.is_err() {
            self.changed.store(true, Ordering::Release);
        }
        outcome
    }

    fn content(&self) -> bytes::Bytes {
        let mut content = self.content.lock();
        content.data_version = content.data_version.next(self.clock.now_ms());
        fastjson::write(&*content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::disk::MemoryDisk;

    #[tokio::test]
    async fn a_file_without_offsets_gives_way_to_its_backup() {
        let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::default());
        let open = || DelayOffsets::open(&disk, Path::new("/s"), Clock::manual(0)).unwrap();
        let offsets = open();
        offsets.set(1, 7);
        offsets.save(async { Ok(()) }).await.unwrap();

        let file = Path::new("/s/config/delayOffset.json");
        disk.replace(file, b"{}").unwrap();
        assert_eq!(open().of(1), 7);

        disk.replace(file, b"{\"offsetTable\":{}}").unwrap();
        assert_eq!(open().of(1), 0);
    }
}
