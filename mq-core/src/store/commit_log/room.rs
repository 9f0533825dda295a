//! Room ahead of the end of the log: the next segment, and blocks reserved in this one. Both are made
//! in the background, because creating, allocating and syncing take the disk milliseconds and more,
//! and an append holds the lock of the log.
//!
//! An append that comes before the room is made writes into blocks that are not reserved, which costs
//! the next sync some time. At the end of a segment it waits for the next one, or makes it itself. The
//! segment ahead is among the segments of the log only when a record is to be written into it, so that
//! retention and recovery do not see it; closing the store removes its file.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::log::CommitLog;
use super::segment::Segment;
use crate::message::record::BLANK_SIZE;
use crate::store::error::{StoreError, at};

/// Blocks are reserved so far ahead, so that a sync need not change the file's extents.
const RESERVED_AHEAD: u64 = 64 * 1024 * 1024;
/// More are reserved as soon as fewer than so many are left.
const RESERVE_BELOW: u64 = RESERVED_AHEAD / 2;

impl CommitLog {
    /// Whether the next segment or blocks in this one are to be made.
    pub(in crate::store) fn wants_room(&self) -> bool {
        let has_next = || match self.ahead.next.try_lock() {
            Some(next) => next.is_some(),
            None => false,
        };
        let end = self.written_end();
        self.writable().is_ok() && (self.wants_blocks(end) || self.wants_zeros(end) || !has_next())
    }

    /// Makes the next segment and reserves blocks, as far as they are not there.
    pub(in crate::store) fn make_room(&self) -> Result<(), StoreError> {
        if self.writable().is_err() {
            return Ok(());
        }
        let reserved = self.reserve_blocks().and_then(|()| self.write_zeros());
        let made = self.make_next_segment();
        reserved.and(made)
    }

    fn wants_blocks(&self, end: u64) -> bool {
        let reserved = self.ahead.reserved_end();
        let limit = self.limit();
        end < limit && reserved < limit && reserved < end + RESERVE_BELOW
    }

    fn reserve_blocks(&self) -> Result<(), StoreError> {
        let end = self.tail.lock().end;
        let Some(segment) = self.segment_of(end).filter(|_| self.wants_blocks(end)) else {
            return Ok(());
        };
        let from = end.max(self.ahead.reserved_end());
        let until = (end + RESERVED_AHEAD).min(segment.base + self.segment_size);
        let allocated = segment.file.allocate(from - segment.base, until - from);
        self.ahead
            .is_scarce
            .store(allocated.is_err(), Ordering::Release);
        allocated.map_err(at("reserve space in", &self.path_of(&segment)))?;
        self.ahead.reserved.fetch_max(until, Ordering::AcqRel);
        Ok(())
    }

    fn make_next_segment(&self) -> Result<(), StoreError> {
        let mut next = self.ahead.next.lock();
        if next.is_none() {
            // The first segment begins where an empty log ends.
            *next = Some(self.create_segment(self.limit().max(self.written_end()))?);
        }
        drop(next);
        Ok(())
    }

    /// Adds the segment at `base` behind the others: as a rule the one that was made ahead.
    pub(super) fn add_segment(&self, base: u64) -> Result<Arc<Segment>, StoreError> {
        let mut next = self.ahead.next.lock();
        let segment = match next.take_if(|made| made.base == base) {
            Some(made) => made,
            None => self.create_segment(base)?,
        };
        segment.begun.get_or_init(|| self.clock.moment());
        self.segments.write().push(Arc::clone(&segment));
        drop(next);
        Ok(segment)
    }

    fn create_segment(&self, base: u64) -> Result<Arc<Segment>, StoreError> {
        let path = self.paths.segment(base);
        let created = self.disk.create(&path, self.segment_size);
        let file = created.map_err(at("create", &path))?;
        Ok(Arc::new(Segment::new(base, file)))
    }

    /// Reserves what an append of `length` bytes at `inside` the segment needs, when the disk has too
    /// little room to reserve it beforehand; the filler must fit behind it.
    pub(super) fn reserve_if_scarce(
        &self,
        segment: &Segment,
        inside: u64,
        length: u64,
    ) -> std::io::Result<()> {
        let is_reserved = segment.base + inside + length <= self.ahead.reserved_end();
        if is_reserved || !self.ahead.is_scarce.load(Ordering::Acquire) {
            return Ok(());
        }
        let needed = (length + BLANK_SIZE as u64).min(self.segment_size - inside);
        segment.file.allocate(inside, needed)
    }

    /// Asks for more room when the log ends at `end` and little is left. That is so in particular behind
    /// the first record of a segment, when the next one is to be made.
    pub(super) fn ask_for_room(&self, end: u64) {
        if self.wants_blocks(end) || self.wants_zeros(end) {
            self.ahead.wanted.notify_one();
        }
    }

    /// Removes the segment that was made ahead and never used.
    pub(in crate::store) fn remove_unused_segment(&self) -> Result<(), StoreError> {
        let mut next = self.ahead.next.lock();
        if let Some(unused) = next.as_ref() {
            let path = self.path_of(unused);
            self.disk.remove(&path).map_err(at("remove", &path))?;
        }
        *next = None;
        drop(next);
        Ok(())
    }
}
