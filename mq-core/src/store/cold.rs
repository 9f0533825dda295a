//! Reads that may wait for the disk run on threads of the runtime's blocking pool, a few at a time, so
//! that a consumer that reads old messages keeps no async thread from its other tasks.
//!
//! What was written a moment ago is read in place, because the page cache of the system still has it
//! and a hand-over between threads takes longer than the read. So is whatever else the system says that
//! it has there, as of a backlog that fits into memory.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::disk::DiskWait;
use super::error::{StoreError, at};
use super::read::{ReadOutcome, ReadRequest, TransferLimits};
use super::shared::MessageStore;
use crate::message::subscription::Filter;
use crate::message::{PhysicalOffset, QueueOffset, TopicName};

/// The end of the log that counts as being in the page cache, in bytes, if it was written since the
/// store was opened.
const HOT_BYTES: u64 = 64 * 1024 * 1024;

impl MessageStore {
    /// Reads a queue from `offset` on, as [`MessageStore::read`], without keeping an async thread
    /// waiting for the disk. Fewer messages than there are may be given when the next are on the disk
    /// only.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`].
    pub async fn read_async(
        &self,
        topic: &TopicName,
        queue_id: i32,
        offset: QueueOffset,
        limits: impl Into<TransferLimits>,
        filter: &Filter,
    ) -> Result<ReadOutcome, StoreError> {
        let limits = limits.into();
        if self.is_hot(topic.as_str(), queue_id, offset) {
            return self.read(topic.as_str(), queue_id, offset, limits, filter);
        }
        let request = ReadRequest {
            offset,
            limits,
            filter,
            wait: DiskWait::Refused,
        };
        let cached = self.read_request(topic.as_str(), queue_id, &request)?;
        if cached.next > offset {
            return Ok(cached);
        }
        let (topic, filter) = (topic.clone(), filter.clone());
        self.run_blocking(move |store| {
            store.read(topic.as_str(), queue_id, offset, limits, &filter)
        })
        .await
    }

    /// The whole record at `offset`, as [`MessageStore::record_at`], without keeping an async thread
    /// waiting for the disk.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`].
    pub async fn record_at_async(
        &self,
        offset: PhysicalOffset,
    ) -> Result<Option<Bytes>, StoreError> {
        if self.is_hot_offset(offset.0) {
            return self.record_at(offset);
        }
        self.run_blocking(move |store| store.record_at(offset))
            .await
    }

    /// Runs `read` on a thread that may wait for the disk. At most a few run at a time; one that fails
    /// or panics gives its turn to the next all the same.
    ///
    /// # Errors
    ///
    /// What `read` gives; [`StoreError::Disk`] when it panics or the runtime ends.
    pub async fn run_blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.0.disk.is_memory() {
            return read(self);
        }
        let turn = Arc::clone(&self.0.cold_readers).acquire_owned().await;
        let store = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            read(&store)
        });
        let ended = |error| at("read", self.0.log.directory())(io::Error::other(error));
        done.await.map_err(ended)?
    }

    /// Whether a read needs nothing that may be on the disk only: its first entry is in memory still,
    /// and so are those behind it.
    fn is_hot(&self, topic: &str, queue_id: i32, offset: QueueOffset) -> bool {
        let Some(queue) = self.0.queues.find(topic, queue_id) else {
            return true;
        };
        let has_no_message = offset.0 < queue.min() || offset.0 >= queue.next();
        let physical = queue.offset_in_memory(offset.0);
        has_no_message || physical.is_some_and(|physical| self.is_hot_offset(physical))
    }

    fn is_hot_offset(&self, physical: u64) -> bool {
        let (hot, log) = (HOT_BYTES.min(self.0.config.in_memory), &self.0.log);
        physical >= log.written_end().saturating_sub(hot).max(log.opened_end())
    }
}
