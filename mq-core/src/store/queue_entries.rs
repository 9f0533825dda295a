//! The entries of a consume queue as they are, for administrators.

use super::error::StoreError;
use super::shared::MessageStore;
use crate::message::{PhysicalOffset, QueueOffset};

/// The entry of a message in a consume queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryView {
    /// Where the record begins.
    pub offset: PhysicalOffset,
    /// The bytes of the record.
    pub size: u32,
    /// The hash of the tag; in the topic of delayed messages the time of delivery.
    pub tag: i64,
}

impl MessageStore {
    /// Whether the queue has ever had a message.
    pub fn has_queue(&self, topic: &str, queue_id: i32) -> bool {
        self.0.queues.find(topic, queue_id).is_some()
    }

    /// The entries of a queue from `first` on that readers can see, at most `most`. None where the
    /// queue does not exist or does not reach.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`].
    pub fn queue_entries(
        &self,
        topic: &str,
        queue_id: i32,
        first: QueueOffset,
        most: usize,
    ) -> Result<Vec<EntryView>, StoreError> {
        let Some(queue) = self.0.queues.find(topic, queue_id) else {
            return Ok(Vec::new());
        };
        let end = queue.visible_max(self.0.log.visible_end());
        let mut entries = Vec::new();
        let mut next = first.0;
        while next >= queue.min() && next < end && entries.len() < most {
            let left = usize::try_from(end - next).unwrap_or(usize::MAX);
            // One read ends at the end of a file.
            let read = queue.read(&*self.0.disk, next, left.min(most - entries.len()))?;
            if read.is_empty() {
                break;
            }
            next += read.len() as u64;
            entries.extend(read.iter().map(|entry| EntryView {
                offset: PhysicalOffset(entry.offset),
                size: entry.size,
                tag: entry.tag,
            }));
        }
        Ok(entries)
    }
}
