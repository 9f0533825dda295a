//! Assigns the physical offset at which the next records begin, and writes them there with one write.
//! `write_group.rs` derives the offset of each record from it.
//!
//! The records are encoded before the log is locked; under the lock only the fields that depend on
//! their position are set, and they are copied into the segment.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::log::{CommitLog, NO_SEGMENT_TROUBLE};
use super::segment::Segment;
use super::tail::Tail;
use crate::message::record::BLANK_SIZE;
use crate::store::error::{AppendError, StoreError, at, no_room};

/// The physical offset and the store time of records, before they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct AppendStart {
    /// Where the first of them begins.
    pub(in crate::store) offset: u64,
    /// Their store time, ms since 1970.
    pub(in crate::store) timestamp: i64,
}

impl CommitLog {
    /// The physical offset and the store time of `length` bytes of records that are appended at
    /// `now_ms`. Rolls to the next segment when this one has too little room.
    pub(in crate::store) fn assign_offset(
        &self,
        tail: &mut Tail,
        length: usize,
        now_ms: i64,
    ) -> Result<AppendStart, AppendError> {
        // Asked under the lock: nothing is written once the log was closed. A nearly full disk refuses
        // an append when it begins.
        self.syncable()?;
        let needed = length as u64 + BLANK_SIZE as u64;
        if needed > self.segment_size {
            let rule = "is longer than a segment of the log";
            return Err(AppendError::Illegal(format!(
                "a record of {length} bytes {rule}"
            )));
        }
        let inside = tail.end % self.segment_size;
        let remaining = self.segment_size - inside;
        if inside == 0 || tail.segment.is_none() || needed > remaining {
            self.roll(tail, needed)?;
        }
        Ok(AppendStart {
            offset: tail.end,
            timestamp: tail.timestamp_at(now_ms),
        })
    }

    /// How many of these appends, each of so many bytes, one write can take: as many as the segment
    /// has room for, at least one. While blocks are scarce it is one, so that a short message finds the
    /// room that a long one before it does not.
    pub(in crate::store) fn fitting(
        &self,
        tail: &Tail,
        lengths: impl Iterator<Item = usize>,
    ) -> usize {
        if self.ahead.is_scarce.load(Ordering::Acquire) {
            return 1;
        }
        let inside = tail.end % self.segment_size;
        let mut room = (self.segment_size - inside).saturating_sub(BLANK_SIZE as u64);
        let fit = lengths.take_while(|length| {
            let fits = *length as u64 <= room;
            room = room.saturating_sub(*length as u64);
            fits
        });
        fit.count().max(1)
    }

    /// Writes records at the physical offset that was assigned to them.
    pub(in crate::store) fn write(
        &self,
        tail: &mut Tail,
        start: AppendStart,
        records: &[u8],
    ) -> Result<(), AppendError> {
        let Some(segment) = tail.segment.as_ref() else {
            let path = self.paths.segment(start.offset);
            return Err(self.refused(StoreError::MissingSegment { path }));
        };
        let inside = start.offset - segment.base;
        let failed = |action, source| self.failed(at(action, &self.path_of(segment))(source));
        self.reserve_if_scarce(segment, inside, records.len() as u64)
            .map_err(|source| failed("reserve space in", source))?;
        self.wait_for_zeros(tail, start.offset + records.len() as u64);
        if let Err(source) = segment.file.write_at(inside, records) {
            if no_room(&source) {
                self.take_back(segment, inside, records.len())?;
            }
            return Err(failed("write", source));
        }
        tail.end = start.offset + records.len() as u64;
        self.figures
            .bytes
            .fetch_add(records.len() as u64, Ordering::Relaxed);
        self.report_writable();
        self.ask_for_room(tail.end);
        Ok(())
    }

    /// Removes what a disk that became full took of `length` bytes. A whole record among it would be found
    /// by the next walk, although its sender was refused.
    fn take_back(&self, segment: &Segment, inside: u64, length: usize) -> Result<(), AppendError> {
        let zeroed = segment.file.zero(inside, length as u64);
        let zeroed = zeroed.map_err(at("take back what was written to", &self.path_of(segment)));
        zeroed.map_err(|error| self.fail(error))
    }

    /// Makes the end of the log visible to readers that do not hold the lock.
    pub(in crate::store) fn publish(&self, tail: &Tail) {
        self.written.store(tail.end, Ordering::Release);
    }

    /// Makes the segment current that has room for `needed` bytes at the end of the log: this one, or
    /// the next, in which case a filler closes this one.
    fn roll(&self, tail: &mut Tail, needed: u64) -> Result<(), AppendError> {
        let inside = tail.end % self.segment_size;
        let remaining = self.segment_size - inside;
        if inside > 0 && needed > remaining {
            if let Some(segment) = self.segment_of(tail.end) {
                self.wait_for_zeros(tail, tail.end + BLANK_SIZE as u64);
                let filled = segment.file.write_at(inside, &Self::filler(remaining));
                filled
                    .map_err(at("write", &self.path_of(&segment)))
                    .map_err(|error| self.failed(error))?;
            }
            let next = tail.end + remaining;
            let segment = self
                .add_segment(next)
                .map_err(|error| self.refused(error))?;
            tail.end = next;
            tail.segment = Some(segment);
        } else {
            tail.segment = Some(match self.segment_of(tail.end) {
                Some(segment) => segment,
                None => self
                    .add_segment(tail.end)
                    .map_err(|error| self.refused(error))?,
            });
        }
        Ok(())
    }

    /// A full disk refuses this append only; any other failure closes the store for writing, because
    /// what is in memory may differ from what is on disk.
    fn failed(&self, error: StoreError) -> AppendError {
        match error {
            StoreError::Disk { source, .. } if no_room(&source) => self.full(),
            error => self.fail(error),
        }
    }

    /// A segment that could not be created leaves nothing behind; the next append tries again.
    fn refused(&self, error: StoreError) -> AppendError {
        match error {
            StoreError::Disk { source, .. } if no_room(&source) => self.full(),
            error => {
                if let Some(untold) = self.troubles.begin(NO_SEGMENT_TROUBLE) {
                    tracing::error!(%error, untold, "no new segment: sends are refused until one can be created");
                }
                AppendError::NoSegment(Arc::new(error))
            }
        }
    }

    fn full(&self) -> AppendError {
        self.report_full("the disk is full");
        AppendError::Full
    }
}
