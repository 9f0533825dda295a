//! The small file in `config/` that the log alone could not give back: the next queue offset of every
//! queue, also of those whose messages have all expired, and up to where the messages of a deleted
//! topic lie.
//!
//! Written before a segment is deleted, when a topic is deleted, and at a clean end. With neither the
//! file nor its backup in a usable state the store does not open: queue offsets would be given twice, and
//! messages of deleted topics come back, without anybody having been asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use serde::{Deserialize, Serialize};

use super::disk::Disk;
use super::error::StoreError;
use super::paths::Paths;
use crate::message::TopicName;
use crate::saved_file::SavedFile;

/// What the file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Snapshot {
    /// Topic → queue id → queue offset of the next message.
    pub(super) next_offsets: BTreeMap<String, BTreeMap<i32, u64>>,
    /// Topic → physical offset before which its messages belong to a deleted one.
    #[serde(default)]
    pub(super) deleted_before: BTreeMap<String, u64>,
}

impl Snapshot {
    /// Reads the file.
    pub(super) fn open(
        disk: &Arc<dyn Disk>,
        paths: &Paths,
    ) -> Result<(SavedFile, Self), StoreError> {
        let files = Arc::<dyn Disk>::clone(disk);
        let opened = SavedFile::open(files, paths.snapshot(), |text| serde_json::from_slice(text));
        Ok(opened?)
    }

    /// Every queue that has held a message, and the queue offset of its next one.
    pub(super) fn used_queues(&self) -> impl Iterator<Item = (TopicName, i32, u64)> {
        self.next_offsets.iter().flat_map(|(topic, ids)| {
            let topic = TopicName::new(topic.clone()).ok();
            let used = ids.iter().filter(|(_, next)| **next > 0);
            used.filter_map(move |(id, next)| Some((topic.clone()?, *id, *next)))
        })
    }

    /// Whether a record of `topic` at `offset` belongs to a topic that was deleted.
    pub(super) fn is_deleted(&self, topic: &str, offset: u64) -> bool {
        self.deleted_before
            .get(topic)
            .is_some_and(|before| offset < *before)
    }
}

/// Deletion marks, kept while the store is open.
#[derive(Debug, Default)]
pub(super) struct Deletions(Mutex<BTreeMap<String, u64>>);

impl Deletions {
    pub(super) fn new(marks: BTreeMap<String, u64>) -> Self {
        Self(Mutex::new(marks))
    }

    pub(super) fn marks(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock()
    }

    /// Whether a record of `topic` at `offset` belongs to a topic that was deleted.
    pub(super) fn is_deleted(&self, topic: &str, offset: u64) -> bool {
        let marks = self.0.lock();
        marks.get(topic).is_some_and(|before| offset < *before)
    }

    /// Takes back marks behind the `end` of the log, which has become shorter: what will be written
    /// there belongs to topics of a new life. Says whether there were any.
    pub(super) fn end_at(&self, end: u64) -> bool {
        let mut marks = self.0.lock();
        let mut beyond = false;
        for (topic, before) in marks.iter_mut().filter(|(_, before)| **before > end) {
            tracing::warn!(
                topic,
                before,
                end,
                "the topic was deleted in a part of the log that is gone: what is stored from now \
                 on is not deleted"
            );
            *before = end;
            beyond = true;
        }
        beyond
    }
}
