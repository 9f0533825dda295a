//! Zeros are written ahead of the end of the log where senders wait for syncs.
//!
//! A sync after a write into blocks that are only reserved has to change the file's extents too. Into
//! blocks that were written before, be it with zeros, writes of several pages and their syncs take half
//! the time. It gains nothing where no sender waits; so `Flush::Interval` leaves it out.
//!
//! Invariant: zeros never reach what an append writes. They begin behind the end of the log, and an
//! append that comes as far as zeros are being written waits until they are. They are not synced: the
//! next sync does that, and until then the file has zeros there just the same.

use super::log::CommitLog;
use super::segment::Segment;
use super::tail::Tail;
use crate::store::config::Flush;
use crate::store::error::{StoreError, at};

/// Written at a time. A sync that meets them takes a quarter of a millisecond longer.
const ZEROS_AT_A_TIME: u64 = 1024 * 1024;
/// More are written as soon as fewer than so many are left.
const ZEROS_BELOW: u64 = 2 * ZEROS_AT_A_TIME;
/// The first zeros begin so far behind the end, so that no append waits for them.
const ZEROS_BEHIND: u64 = 256 * 1024;
/// In one call: appends to the file wait for the call.
const BLOCK: usize = 64 * 1024;
const PAGE: u64 = 4096;

impl CommitLog {
    /// Whether zeros are to be written, when the log ends at `end`. They are written into reserved
    /// blocks only.
    pub(super) fn wants_zeros(&self, end: u64) -> bool {
        let zeros_end = self.ahead.zeros_end();
        self.flush == Flush::Sync
            && zeros_end < end + ZEROS_BELOW
            && end + ZEROS_BEHIND + PAGE < self.ahead.reserved_end()
            && zeros_end < self.ahead.reserved_end()
    }

    /// Writes zeros until there are enough.
    pub(super) fn write_zeros(&self) -> Result<(), StoreError> {
        while self.wants_zeros(self.written_end()) {
            let mut tail = self.tail.lock();
            // Taken before the tail is released: an append that finds `zeros_from` must wait here.
            let _writing = self.ahead.writing_zeros.lock();
            let begin = (tail.end + ZEROS_BEHIND).next_multiple_of(PAGE);
            let begin = begin.max(self.ahead.zeros_end());
            let end = (begin + ZEROS_AT_A_TIME).min(self.ahead.reserved_end());
            let Some(segment) = self.segment_of(tail.end).filter(|_| begin < end) else {
                return Ok(());
            };
            tail.zeros_from = begin;
            drop(tail);
            write(&segment, begin, end).map_err(at("write", &self.path_of(&segment)))?;
            self.ahead.zeros_written(end);
        }
        Ok(())
    }

    /// Waits while zeros are being written before `end`.
    pub(super) fn wait_for_zeros(&self, tail: &Tail, end: u64) {
        if end > tail.zeros_from {
            drop(self.ahead.writing_zeros.lock());
        }
    }
}

fn write(segment: &Segment, begin: u64, end: u64) -> std::io::Result<()> {
    let zeros = vec![0; BLOCK];
    let mut offset = begin - segment.base;
    let end = end - segment.base;
    while offset < end {
        let length = usize::try_from(end - offset).unwrap_or(BLOCK).min(BLOCK);
        segment
            .file
            .write_at(offset, zeros.get(..length).unwrap_or_default())?;
        offset += length as u64;
    }
    Ok(())
}
