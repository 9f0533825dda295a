//! What a store tells of itself and of its queues, messages by physical offset or by key, and the
//! deletion of a topic. Reading a queue is in `read.rs`.

use std::ops::RangeInclusive;
use std::sync::Arc;

use bytes::Bytes;

use super::arrivals::Arrival;
use super::config::StoreConfig;
use super::disk::Disk;
use super::error::{AppendError, StoreError};
use super::figures::Figures;
use super::shared::MessageStore;
use crate::message::record::RecordView;
use crate::message::{PhysicalOffset, QueueOffset, TopicName};

impl MessageStore {
    /// Calls `listener` whenever messages have become visible.
    pub fn on_arrival(&self, listener: Arc<dyn Arrival>) {
        self.0.arrivals.set_listener(listener);
    }

    /// How the store was configured.
    pub fn config(&self) -> &StoreConfig {
        &self.0.config
    }

    /// The disk on which the store lies, for the files beside it.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.0.disk
    }

    /// The queue offset of the first message of a queue that is still there.
    pub fn min_offset(&self, topic: &str, queue_id: i32) -> QueueOffset {
        let queue = self.0.queues.find(topic, queue_id);
        queue.map_or(QueueOffset(0), |queue| QueueOffset(queue.min()))
    }

    /// The queue offset behind the last visible message of a queue.
    pub fn max_offset(&self, topic: &str, queue_id: i32) -> QueueOffset {
        let visible = self.0.log.visible_end();
        let queue = self.0.queues.find(topic, queue_id);
        queue.map_or(QueueOffset(0), |queue| {
            QueueOffset(queue.visible_max(visible))
        })
    }

    /// Topics and the ids of their queues.
    pub fn queues(&self) -> Vec<(TopicName, Vec<i32>)> {
        self.0.queues.list()
    }

    /// Deletes the queues of a topic. Its messages stay in the log until their segment goes, and
    /// never come back into a topic of the same name. A closed store is left as it is.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`].
    pub fn delete_topic(&self, topic: &str) -> Result<(), StoreError> {
        self.0.while_open(|store| store.delete_topic(topic))
    }

    /// Where the log begins: what lies before was deleted.
    pub fn begin(&self) -> PhysicalOffset {
        PhysicalOffset(self.0.log.begin())
    }

    /// Where the next record will begin.
    pub fn end(&self) -> PhysicalOffset {
        PhysicalOffset(self.0.log.written_end())
    }

    /// Up to where the log is known to be on disk.
    pub fn synced(&self) -> PhysicalOffset {
        PhysicalOffset(self.0.log.synced_end())
    }

    /// Whether the store takes messages; if not, why.
    ///
    /// # Errors
    ///
    /// [`AppendError::Full`], [`AppendError::Failed`] or [`AppendError::Closed`].
    pub fn writable(&self) -> Result<(), AppendError> {
        self.0.log.writable()
    }

    /// The whole record at `offset`, or `None` when none begins there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`].
    pub fn record_at(&self, offset: PhysicalOffset) -> Result<Option<Bytes>, StoreError> {
        self.0.record_at(offset)
    }

    /// Records of `topic` with `key`, newest first, at most `max`, stored between the two times (ms
    /// since 1970, both included). The caller compares the key itself: the index knows hashes only.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`].
    pub fn query_by_key(
        &self,
        topic: &str,
        key: &str,
        max: usize,
        times: RangeInclusive<i64>,
    ) -> Result<Vec<Bytes>, StoreError> {
        let offsets = self.0.index.find(topic, key, max, times.clone());
        let offsets = offsets.inspect_err(|error| self.0.tell_unreadable(error))?;
        // The index keeps whole seconds, the record the time itself.
        let is_in_time = |record: &Bytes| {
            let time = RecordView::parse(record).map(|view| view.store_timestamp);
            time.is_ok_and(|time| times.contains(&time))
        };
        let mut records = Vec::new();
        for offset in offsets {
            let record = self.0.record_at(PhysicalOffset(offset))?;
            records.extend(record.filter(is_in_time));
        }
        Ok(records)
    }

    /// How far the index is: store time and physical offset of the last indexed message.
    pub fn indexed(&self) -> (i64, PhysicalOffset) {
        let (time, offset) = self.0.index.last();
        (time, PhysicalOffset(offset))
    }

    /// Figures of the running store.
    pub fn figures(&self) -> Figures {
        self.0.log.figures.snapshot()
    }
}
