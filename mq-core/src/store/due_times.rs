//! What somebody asks of a queue in which messages wait: their tag codes, which are the times for which
//! they wait, and which of them lie in a part of the log. No message is read for it.

use super::error::StoreError;
use super::shared::MessageStore;
use crate::message::{PhysicalOffset, QueueOffset};

impl MessageStore {
    /// The tag codes of messages from `offset` on, at most `max` and not beyond the end of a file; none
    /// when there is no such message.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`].
    pub fn tag_codes(
        &self,
        topic: &str,
        queue_id: i32,
        offset: QueueOffset,
        max: usize,
    ) -> Result<Vec<i64>, StoreError> {
        let Some(queue) = self.0.queues.find(topic, queue_id) else {
            return Ok(Vec::new());
        };
        if offset.0 < queue.min() {
            return Ok(Vec::new());
        }
        let entries = queue.read(&*self.0.disk, offset.0, max)?;
        Ok(entries.into_iter().map(|entry| entry.tag).collect())
    }

    /// The queue offset of the first message of a queue that lies at the physical offset `begin` or
    /// behind.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`].
    pub fn first_offset_from(
        &self,
        topic: &str,
        queue_id: i32,
        begin: PhysicalOffset,
    ) -> Result<QueueOffset, StoreError> {
        let Some(queue) = self.0.queues.find(topic, queue_id) else {
            return Ok(QueueOffset(0));
        };
        queue.first_from(&*self.0.disk, begin.0).map(QueueOffset)
    }

    /// Replaces the tag code of a message. Apache's broker writes the hash of a tag where this one writes
    /// the time for which a message waits.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`].
    pub fn replace_tag_code(
        &self,
        topic: &str,
        queue_id: i32,
        offset: QueueOffset,
        tag: i64,
    ) -> Result<(), StoreError> {
        let Some(queue) = self.0.queues.find(topic, queue_id) else {
            return Ok(());
        };
        let entry = queue.read(&*self.0.disk, offset.0, 1)?.first().copied();
        match entry {
            Some(entry) if !entry.is_hole() && entry.tag != tag => {
                let entry = super::consume_queue::QueueEntry { tag, ..entry };
                self.0.queues.rewrite(&queue, offset.0, entry)
            }
            _ => Ok(()),
        }
    }
}
