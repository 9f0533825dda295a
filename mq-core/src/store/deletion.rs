//! Deleting a topic, and saving the snapshot that outlives the log.

use super::error::{StoreError, at};
use super::shared::StoreShared;
use super::snapshot::Snapshot;

impl StoreShared {
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
        let mut marks = self.deletions.marks();
        marks.retain(|_, before| *before > begin);
        let mut snapshot = Snapshot {
            deleted_before: marks.clone(),
            ..Snapshot::default()
        };
        // Only what is synced: a queue offset whose message a crash takes is given to the next message.
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
        // The sync of the mark made messages visible, and whoever waited for it returns without
        // announcing them.
        self.announce();
        deleted
    }

    fn mark_and_remove(&self, topic: &str) -> Result<(), StoreError> {
        // The mark may not lie behind what a crash leaves of the log: new messages would come there.
        let end = self.log.sync()?;
        self.deletions.marks().insert(topic.to_owned(), end);
        self.queues.forget_topic(topic);
        self.save_snapshot()?;
        self.queues.remove_topic(topic)
    }
}
