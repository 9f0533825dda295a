//! The small file in `config/` that the log alone could not give back: the next number of every
//! queue, also of those whose messages have all expired, and up to where the messages of a deleted
//! topic lie.
//!
//! Written before a segment is deleted, when a topic is deleted, and at a clean end. With neither the
//! file nor its backup in a usable state the store does not open: numbers would be given twice, and
//! messages of deleted topics come back, without anybody having been asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::disk::Disk;
use super::paths::Paths;
use super::{Inner, StoreError, at};
use crate::message::TopicName;
use crate::saved_file::SavedFile;

/// What the file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Snapshot {
    /// Topic → queue → number of the next message.
    pub(super) next_offsets: BTreeMap<String, BTreeMap<i32, u64>>,
    /// Topic → place of the log before which its messages belong to a deleted one.
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

    /// Every queue that has held a message, and the number of its next one.
    pub(super) fn numbers(&self) -> impl Iterator<Item = (TopicName, i32, u64)> {
        self.next_offsets.iter().flat_map(|(topic, ids)| {
            let topic = TopicName::new(topic.clone()).ok();
            let numbers = ids.iter().filter(|(_, next)| **next > 0);
            numbers.filter_map(move |(id, next)| Some((topic.clone()?, *id, *next)))
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

    /// Whether a record of `topic` at `offset` belongs to a topic that was deleted.
    pub(super) fn is_deleted(&self, topic: &str, offset: u64) -> bool {
        let marks = self.0.lock();
        marks.get(topic).is_some_and(|before| offset < *before)
    }

    /// Takes back marks behind the `end` of the log, which has become shorter: what will be written
    /// there belongs to topics of a new life. Says whether there were any.
    fn end_at(&self, end: u64) -> bool {
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

impl Inner {
    /// Brings the file in line with a log that has become shorter, before anything new is stored.
    pub(super) fn correct_snapshot(&self) -> Result<(), StoreError> {
        if self.deletions.end_at(self.log.written_end()) {
            self.save_snapshot()?;
        }
        Ok(())
    }

    /// Writes the file as things stand.
    pub(super) fn save_snapshot(&self) -> Result<(), StoreError> {
        let begin = self.log.begin();
        // Held to the end: two may not write the file at once, nor an older state over a newer.
        let mut marks = self.deletions.0.lock();
        marks.retain(|_, before| *before > begin);
        let mut snapshot = Snapshot {
            deleted_before: marks.clone(),
            ..Snapshot::default()
        };
        // A number that a crash takes back is given again; it is no gap.
        let synced = self.log.synced_end();
        for (topic, id, queue) in self.queues.all() {
            let queues = snapshot
                .next_offsets
                .entry(topic.as_str().to_owned())
                .or_default();
            queues.insert(id, queue.visible_max(synced));
        }
        let text = serde_json::to_vec(&snapshot).map_err(std::io::Error::other);
        let text = text.map_err(at("write", &self.paths.snapshot()))?;
        self.snapshot.save_now(&text)?;
        drop(marks);
        Ok(())
    }

    /// Deletes the queues of a topic, marked first so that no crash brings its messages back.
    pub(super) fn delete_topic(&self, topic: &str) -> Result<(), StoreError> {
        let deleted = {
            // No message of the topic may come between the mark and the end of its queues.
            let _tail = self.log.tail.lock();
            self.mark_and_remove(topic)
        };
        // Whoever waited for the sync of the mark finds it done and tells nobody.
        self.announce();
        deleted
    }

    fn mark_and_remove(&self, topic: &str) -> Result<(), StoreError> {
        // The mark may not lie behind what a crash leaves of the log: new messages would come there.
        let end = self.log.sync();
        let end = end
            .map_err(std::io::Error::other)
            .map_err(at("sync", self.log.directory()))?;
        self.deletions.0.lock().insert(topic.to_owned(), end);
        self.queues.forget_topic(topic);
        self.save_snapshot()?;
        self.queues.remove_topic(topic)
    }
}
