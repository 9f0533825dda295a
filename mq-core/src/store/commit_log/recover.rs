//! Walks the log after a start: from a place on, record by record, to the end.
//!
//! Below the synced mark a damaged record is set aside and the walk resumes at the next record whose
//! magic and physical offset fit; above it the log ends at the first thing that is no record.

use bytes::{Bytes, BytesMut};

use super::CommitLog;
use crate::message::record::{MAGIC_BLANK, MAGIC_V1, MAGIC_V2, MIN_SIZE, RecordView};
use crate::store::StoreError;

/// Bytes searched at once for the next record behind a damaged one.
const SEARCH_STEP: usize = 1024 * 1024;

/// A walk through the log.
#[derive(Debug)]
pub(in crate::store) struct Scan<'a> {
    log: &'a CommitLog,
    at: u64,
    /// Everything before this was on disk once.
    mark: u64,
}

/// What the walk came upon.
#[derive(Debug)]
pub(in crate::store) enum Found {
    /// A record, whole.
    Record(Bytes),
    /// Bytes that once were records.
    Damaged {
        /// Where they begin.
        from: u64,
        /// Where the next record begins, or the segment ends.
        to: u64,
    },
    /// The end of the log.
    End(u64),
}

impl<'a> Scan<'a> {
    /// Begins at `at`, where a record begins.
    pub(in crate::store) fn new(log: &'a CommitLog, at: u64, mark: u64) -> Self {
        Self { log, at, mark }
    }

    pub(in crate::store) fn next(&mut self) -> Result<Found, StoreError> {
        loop {
            let Some(segment) = self.log.segment_of(self.at) else {
                return Ok(Found::End(self.at));
            };
            let segment_end = segment.base + self.log.segment_size;
            let remaining = segment_end - self.at;
            let mut head = [0; 8];
            if remaining < 8 || !self.log.read(self.at, &mut head)? {
                self.at = segment_end;
                continue;
            }
            let [s0, s1, s2, s3, m0, m1, m2, m3] = head;
            let size = u32::from_be_bytes([s0, s1, s2, s3]);
            match u32::from_be_bytes([m0, m1, m2, m3]) {
                MAGIC_BLANK if u64::from(size) == remaining => {
                    self.at = segment_end;
                    continue;
                }
                MAGIC_V1 | MAGIC_V2 => {
                    if let Some(record) = self.read_record(self.at, size)? {
                        self.at += u64::from(size);
                        return Ok(Found::Record(record));
                    }
                }
                _ => {}
            }
            if self.at >= self.mark {
                return Ok(Found::End(self.at));
            }
            let from = self.at;
            let next = self.search(segment_end)?;
            let last = segment_end == self.log.limit();
            if next == segment_end && (last || self.mark < segment_end) {
                // No record is left in front of the mark, behind which one may begin.
                let until = self.mark.min(segment_end);
                if self.is_zero(from, until)? {
                    let mark = self.mark;
                    tracing::warn!(from, mark, "somebody cut the log in front of the mark");
                    return Ok(Found::End(from));
                }
                self.at = until;
            } else {
                self.at = next;
            }
            return Ok(Found::Damaged { from, to: self.at });
        }
    }

    /// The record at `at` when it is whole and says itself that it lies there.
    fn read_record(&self, at: u64, size: u32) -> Result<Option<Bytes>, StoreError> {
        if (size as usize) < MIN_SIZE || !self.log.may_hold(at, size)? {
            return Ok(None);
        }
        let size = size as usize;
        let mut bytes = BytesMut::zeroed(size);
        if !self.log.read(at, &mut bytes)? {
            return Ok(None);
        }
        let bytes = bytes.freeze();
        // No checksum covers topic and properties; where the log may be torn, zeros in them tell.
        let torn = |record: &RecordView<'_>| {
            at >= self.mark && (record.topic.contains('\0') || record.properties.contains(&0))
        };
        let fits = RecordView::parse(&bytes).is_ok_and(|record| {
            record.physical_offset.0 == at && record.check_body().is_ok() && !torn(&record)
        });
        Ok(fits.then_some(bytes))
    }

    /// Whether there is nothing but zeros in the range, which lies in one segment.
    fn is_zero(&self, from: u64, to: u64) -> Result<bool, StoreError> {
        let mut at = from;
        while at < to {
            let step = usize::try_from(to - at).unwrap_or(usize::MAX);
            let mut window = vec![0; step.min(SEARCH_STEP)];
            if !self.log.read(at, &mut window)? || window.iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            at += window.len() as u64;
        }
        Ok(true)
    }

    /// Where behind `self.at` the next whole record of this segment begins, or the segment ends.
    fn search(&self, segment_end: u64) -> Result<u64, StoreError> {
        let mut from = self.at + 1;
        while from + MIN_SIZE as u64 <= segment_end {
            let step = usize::try_from(segment_end - from)
                .unwrap_or(usize::MAX)
                .min(SEARCH_STEP);
            let mut window = vec![0; step];
            if !self.log.read(from, &mut window)? {
                break;
            }
            for (inside, magic) in window.windows(8).enumerate() {
                let Some((size, magic)) = magic.split_first_chunk::<4>() else {
                    continue;
                };
                let Ok(magic) = <[u8; 4]>::try_from(magic) else {
                    continue;
                };
                let (size, magic) = (u32::from_be_bytes(*size), u32::from_be_bytes(magic));
                let at = from + inside as u64;
                let blank = magic == MAGIC_BLANK && u64::from(size) == segment_end - at;
                let record = matches!(magic, MAGIC_V1 | MAGIC_V2);
                if blank || record && self.read_record(at, size)?.is_some() {
                    return Ok(at);
                }
            }
            from += step.saturating_sub(7).max(1) as u64;
        }
        Ok(segment_end)
    }
}
