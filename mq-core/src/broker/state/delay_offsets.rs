//! How far each delay level is delivered, kept in `config/delayOffset.json`
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
use crate::store::disk::Disk;
use crate::wire::body::DataVersion;
use crate::wire::fastjson;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Saved {
    #[serde(default)]
    data_version: DataVersion,
    offset_table: BTreeMap<i32, i64>,
}

/// The next message of each level, from level 1.
#[derive(Debug)]
pub(in crate::broker) struct DelayOffsets {
    saved: Mutex<Saved>,
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
        let (file, saved) = ConfigFile::open(disk, root, "delayOffset.json", &clock)?;
        Ok(Self {
            saved: Mutex::new(saved),
            changed: AtomicBool::new(false),
            file,
            clock,
        })
    }

    /// Sets offsets beyond the end of their level's queue, which `end` tells, to that end: what lay
    /// there is gone, and what comes there next is still to be delivered
    /// (`ScheduleMessageService.correctDelayOffset`).
    ///
    /// To be called before anything new is stored.
    pub(in crate::broker) fn correct(&self, end: impl Fn(i32) -> i64) {
        for (level, offset) in &mut self.saved.lock().offset_table {
            let end = end(*level);
            if *offset > end {
                tracing::warn!(
                    level,
                    offset,
                    end,
                    "delayOffset.json says that more messages of the delay level are delivered than \
                     there are: delivery goes on at the end of its queue"
                );
                *offset = end;
                self.changed.store(true, Ordering::Release);
            }
        }
    }

    /// The next message of `level`.
    pub(in crate::broker) fn of(&self, level: i32) -> i64 {
        self.saved
            .lock()
            .offset_table
            .get(&level)
            .copied()
            .unwrap_or(0)
    }

    /// Everything before `offset` is delivered.
    pub(in crate::broker) fn set(&self, level: i32, offset: i64) {
        if self.saved.lock().offset_table.insert(level, offset) != Some(offset) {
            self.changed.store(true, Ordering::Release);
        }
    }

    /// Saves, when anything has changed since the last time.
    pub(in crate::broker) async fn save(&self) -> Result<(), FileError> {
        if !self.changed.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let outcome = self.file.save(|| self.content()).await;
        if outcome.is_err() {
            self.changed.store(true, Ordering::Release);
        }
        outcome
    }

    fn content(&self) -> bytes::Bytes {
        let mut saved = self.saved.lock();
        saved.data_version = saved.data_version.next(self.clock.now_ms());
        fastjson::write(&*saved)
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
        offsets.save().await.unwrap();

        let file = Path::new("/s/config/delayOffset.json");
        disk.replace(file, b"{}").unwrap();
        assert_eq!(open().of(1), 7);

        disk.replace(file, b"{\"offsetTable\":{}}").unwrap();
        assert_eq!(open().of(1), 0);
    }
}
