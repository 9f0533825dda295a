//! What is derived from the log: each thing takes every record over in the order of the log, keeps
//! files of its own, and can be deleted, because the log gives it back.
//!
//! A further one implements [`Derived`] in a file of its own and is put into the list where the store
//! is opened.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use super::error::StoreError;
use super::facts::MessageFacts;
use crate::message::TopicName;
use crate::message::record::{RecordPosition, RecordView};

/// A record that is in the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoredRecord<'a> {
    pub(super) topic: &'a TopicName,
    pub(super) queue_id: i32,
    pub(super) position: RecordPosition,
    /// Bytes of the record.
    pub(super) size: u32,
    pub(super) facts: &'a MessageFacts,
    /// Read again from the log, when the store is opened or for items that the index had dropped; so
    /// files may have it already.
    pub(super) is_replayed: bool,
}

impl<'a> StoredRecord<'a> {
    /// A record as it was read from the log.
    pub(super) fn replayed(
        record: &RecordView<'_>,
        topic: &'a TopicName,
        facts: &'a MessageFacts,
    ) -> Self {
        Self {
            topic,
            queue_id: record.queue_id,
            position: RecordPosition {
                queue_offset: record.queue_offset,
                physical_offset: record.physical_offset,
                store_timestamp: record.store_timestamp,
            },
            size: u32::try_from(record.size).unwrap_or(u32::MAX),
            facts,
            is_replayed: true,
        }
    }
}

/// Something that is derived from the log.
pub(super) trait Derived: Send + Sync + Debug {
    /// Reads at a start what the files hold. Only what they say of messages before the physical
    /// offset `trusted` is relied on, which is [`u64::MAX`] after a clean end, also after one of
    /// Apache's broker; the log lies within `log`. `false` when that is not complete and all of it must
    /// be built again.
    fn load(&self, trusted: u64, log: Range<u64>) -> Result<bool, StoreError>;

    /// Takes records over into memory, except those that are replayed and known already. Called in the
    /// order of the log. New records come while the log is locked: no I/O then, and no failure; what can
    /// fail is [`Derived::store`]. Replayed records come without that lock, while the store is opened,
    /// so that memory that they fill may be written to files.
    fn apply(&self, records: &[StoredRecord<'_>]);

    /// Writes what it has of records that end before the physical offset `visible` into its files.
    /// What could not be written stays in memory, where readers find it, and is written later. So may
    /// what is too little to be worth a write.
    fn store(&self, visible: u64) -> Result<(), StoreError>;

    /// Makes everything that was applied of messages before the physical offset `end`, up to which
    /// [`Derived::store`] was called, survive a loss of power. Where it lies then is its own affair.
    fn sync(&self, end: u64) -> Result<(), StoreError>;

    /// Drops what it has of records before the physical offset `begin`, where the log begins now.
    fn drop_before(&self, begin: u64) -> Result<(), StoreError>;

    /// Removes everything, in memory and on disk, so that it can be built again.
    fn clear(&self) -> Result<(), StoreError>;
}

/// All that is derived from one log. One that fails does not keep the others from their turn.
#[derive(Debug)]
pub(super) struct DerivedList(Vec<Arc<dyn Derived>>);

impl DerivedList {
    pub(super) fn new(all: Vec<Arc<dyn Derived>>) -> Self {
        Self(all)
    }

    pub(super) fn load(&self, trusted: u64, log: &Range<u64>) -> Result<bool, StoreError> {
        let mut all_complete = true;
        for derived in &self.0 {
            all_complete &= derived.load(trusted, log.clone())?;
        }
        Ok(all_complete)
    }

    pub(super) fn apply(&self, records: &[StoredRecord<'_>]) {
        for derived in &self.0 {
            derived.apply(records);
        }
    }

    pub(super) fn store(&self, visible: u64) -> Result<(), StoreError> {
        self.each(|derived| derived.store(visible))
    }

    pub(super) fn sync(&self, end: u64) -> Result<(), StoreError> {
        self.each(|derived| derived.sync(end))
    }

    pub(super) fn drop_before(&self, begin: u64) -> Result<(), StoreError> {
        self.each(|derived| derived.drop_before(begin))
    }

    pub(super) fn clear(&self) -> Result<(), StoreError> {
        self.each(|derived| derived.clear())
    }

    /// Gives the first error.
    fn each(
        &self,
        work: impl Fn(&dyn Derived) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let outcomes: Vec<_> = self.0.iter().map(|derived| work(&**derived)).collect();
        outcomes.into_iter().collect()
    }
}
