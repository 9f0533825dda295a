//! Where messages rest: the commit log, and what is derived from it.
//!
//! [`MessageStore`] is the only door. An append encodes outside, takes its place under one short lock
//! on the caller's own task, and resolves when the message is as durable as promised; only then do
//! readers see it. Consume queues and the key index can be deleted: they are built again from the log.

mod append;
mod checkpoint;
mod commit_log;
mod config;
mod consume_queue;
pub mod disk;
mod dispatch;
mod error;
mod index;
mod maintain;
mod memory;
mod mend;
mod open;
mod paths;
mod read;
mod retention;
mod snapshot;
#[cfg(test)]
mod tests;
mod zone;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use crate::clock::Clock;
use crate::message::record::RecordView;
use crate::message::{PhysicalOffset, QueueOffset, TopicName};
use crate::saved_file::SavedFile;

pub use append::{Append, Appended, Durability};
use checkpoint::Checkpoint;
use commit_log::CommitLog;
pub use config::{Flush, Retention, StoreConfig};
use consume_queue::ConsumeQueues;
use disk::{Disk, Lock};
pub use dispatch::Arrival;
use dispatch::Dispatch;
pub use error::{AppendError, StoreError};
use index::KeyIndex;
pub use memory::{share_of, total_memory};
pub use open::RecoveryReport;
use paths::Paths;
pub use read::{Boundary, FirstMessage, ReadLimits, ReadOutcome, ReadStatus, TransferLimits};
use retention::Opened;
use snapshot::Deletions;
pub use zone::Zone;

/// The topic in which delayed messages wait; its consume queues hold the time of delivery.
pub const SCHEDULE_TOPIC: &str = "SCHEDULE_TOPIC_XXXX";

/// The store. Clones are the same store.
#[derive(Clone, Debug)]
pub struct MessageStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: StoreConfig,
    paths: Paths,
    disk: Arc<dyn Disk>,
    clock: Clock,
    log: CommitLog,
    queues: ConsumeQueues,
    index: KeyIndex,
    dispatch: Dispatch,
    checkpoint: Mutex<Checkpoint>,
    snapshot: SavedFile,
    opened: Opened,
    deletions: Deletions,
    /// Queues and index are on disk for all messages before this place.
    derived: AtomicU64,
    /// Until the store is closed. Whoever changes files, but for an append, holds this meanwhile, so
    /// that nothing is changed once the directory may belong to somebody else.
    lock: RwLock<Option<Box<dyn Lock>>>,
}

impl MessageStore {
    /// Calls `listener` whenever messages have become visible.
    pub fn on_arrival(&self, listener: Arc<dyn Arrival>) {
        self.0.dispatch.set_listener(listener);
    }

    /// How the store was configured.
    pub fn config(&self) -> &StoreConfig {
        &self.0.config
    }

    /// The disk on which the store lies, for the files beside it.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.0.disk
    }

    /// The number of the first message of a queue that is still there.
    pub fn min_offset(&self, topic: &str, queue_id: i32) -> QueueOffset {
        let queue = self.0.queues.find(topic, queue_id);
        queue.map_or(QueueOffset(0), |queue| QueueOffset(queue.min()))
    }

    /// The number behind the last visible message of a queue.
    pub fn max_offset(&self, topic: &str, queue_id: i32) -> QueueOffset {
        let visible = self.0.log.visible_end();
        let queue = self.0.queues.find(topic, queue_id);
        queue.map_or(QueueOffset(0), |queue| {
            QueueOffset(queue.visible_max(visible))
        })
    }

    /// Topics with queues, and the numbers of those.
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
    /// [`AppendError::Closed`] or [`AppendError::Full`].
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
        times: std::ops::RangeInclusive<i64>,
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

/// Counts since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Messages stored.
    pub stored: u64,
    /// Bytes of their records.
    pub bytes: u64,
    /// Syncs of the log.
    pub syncs: u64,
}

#[derive(Debug, Default)]
struct Counters {
    stored: AtomicU64,
    bytes: AtomicU64,
    syncs: AtomicU64,
}

impl Counters {
    fn snapshot(&self) -> Figures {
        Figures {
            stored: self.stored.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            syncs: self.syncs.load(Ordering::Relaxed),
        }
    }
}

/// Gives an I/O error the file and what was tried.
fn at(action: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Disk {
        action,
        path,
        source,
    }
}
