//! Walks the log after a start: from a physical offset on, record by record, to the end.
//!
//! Invariants of recovery:
//!
//! 1. Only valid records are served: magic, length, the record's own physical offset and the body's
//!    checksum fit.
//! 2. Below the synced mark everything was on disk, so whatever is not valid was damaged later. The
//!    walk resumes at the next valid record, at the latest at the mark.
//! 3. Above the mark the sectors that no sync covered may be missing, each by itself, when the machine
//!    went down. Of a missing sector only zeros are there. A record that misses one was never wholly written, no sync covered
//!    what lies behind it, and so nothing behind it was acknowledged in sync mode: the log ends there,
//!    although valid records may follow, so that the survivors of the interval mode are a prefix.
//! 4. A record above the mark that is not valid and misses no sector was written wholly and damaged
//!    later. Acknowledged records may follow: the walk resumes as in 2. While the machine goes on its
//!    memory keeps what killed processes wrote, and no sector is missing.
//! 5. From the beginning of the log to its end every byte belongs to a valid record, a filler or a
//!    reported gap; behind the end there are zeros only, and the mark is saved there before the first
//!    append. So the next walk finds the same, wherever this one is cut short.

use bytes::{Buf as _, Bytes, BytesMut};

use super::log::CommitLog;
use crate::message::record::{MAGIC_BLANK, MAGIC_V1, MAGIC_V2, MIN_RECORD_SIZE, RecordView};
use crate::store::error::StoreError;

/// Bytes searched at once for the next record behind a damaged one.
const SEARCH_STEP: usize = 1024 * 1024;
/// No record holds so many zeros in a row; the rest of a segment, which may be 1 GiB, is not searched.
const MOST_ZEROS: u64 = 64 * 1024 * 1024;

/// What became of the writes that no sync covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Unsynced {
    /// The machine may have gone down: sectors may be missing.
    MayBeLost,
    /// The machine has gone on since, or the store was closed in order: all are there.
    Kept,
}

/// A walk through the log.
#[derive(Debug)]
pub(in crate::store) struct Scan<'a> {
    pub(super) log: &'a CommitLog,
    pub(super) at: u64,
    /// Everything before this was on disk once.
    mark: u64,
    /// What became of the rest.
    unsynced: Unsynced,
}

/// What the walk came upon.
#[derive(Debug)]
pub(in crate::store) enum Scanned {
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
    pub(in crate::store) fn new(
        log: &'a CommitLog,
        at: u64,
        mark: u64,
        unsynced: Unsynced,
    ) -> Self {
        Self {
            log,
            at,
            mark,
            unsynced,
        }
    }

    /// Where the walk is.
    pub(in crate::store) fn at(&self) -> u64 {
        self.at
    }

    pub(in crate::store) fn next(&mut self) -> Result<Scanned, StoreError> {
        loop {
            let Some(segment) = self.log.segment_of(self.at) else {
                return Ok(Scanned::End(self.at));
            };
            let segment_end = segment.base + self.log.segment_size;
            let remaining = segment_end - self.at;
            let mut head = [0; 8];
            if remaining < 8 || !self.log.read(self.at, &mut head)? {
                self.at = segment_end;
                continue;
            }
            let (size, magic) = size_and_magic(&head);
            let filler = match magic {
                MAGIC_V1 | MAGIC_V2 => {
                    if let Some(record) = self.read_record(self.at, size)? {
                        self.at += u64::from(size);
                        return Ok(Scanned::Record(record));
                    }
                    false
                }
                // No record has this magic, or leaves no room for a filler: if one of the two fits,
                // the other was damaged, and nothing else lies in this segment.
                _ => magic == MAGIC_BLANK || u64::from(size) == remaining,
            };
            if filler {
                self.at = segment_end;
                continue;
            }
            let resumed = if self.at < self.mark {
                self.resume_below_mark(segment_end)?
            } else if self.may_miss_sectors(self.at) {
                self.resume_above_mark(segment_end)?
            } else {
                self.resume_where_all_is_kept(segment_end)?
            };
            let from = self.at;
            let Some(to) = resumed else {
                return Ok(Scanned::End(from));
            };
            self.at = to;
            return Ok(Scanned::Damaged { from, to });
        }
    }

    /// Where the walk goes on behind a record below the mark that is not valid; `None` when somebody
    /// cut the log there.
    fn resume_below_mark(&self, segment_end: u64) -> Result<Option<u64>, StoreError> {
        let (from, mark) = (self.at, self.mark);
        let until = mark.min(segment_end);
        let next = self.find_record(from + 1, until, segment_end)?;
        if next.is_some() {
            return Ok(next);
        }
        let in_last = until < segment_end || !self.goes_on_behind(segment_end)?;
        if in_last && self.is_zero(from, until)? {
            tracing::warn!(from, mark, "somebody cut the log in front of the mark");
            return Ok(None);
        }
        Ok(Some(until))
    }

    /// Where the walk goes on behind a record above the mark that is not valid, when no sector is
    /// missing; `None` when no record follows, and this one was not wholly written either.
    fn resume_where_all_is_kept(&self, segment_end: u64) -> Result<Option<u64>, StoreError> {
        let from = self.at;
        let (mut at, mut zeros) = (from + 1, 0);
        // Asked for before anything in front of it is read: what is read ahead counts as written.
        let mut hole = self.log.next_hole(at);
        while at < segment_end && zeros < MOST_ZEROS {
            if hole.contains(&at) {
                // A record's length begins with zeros.
                let behind = hole.end.saturating_sub(7).max(at);
                zeros += behind - at;
                at = behind;
                hole = self.log.next_hole(hole.end);
                continue;
            }
            let step_end = segment_end.min(at + SEARCH_STEP as u64);
            let step_end = if at < hole.start {
                step_end.min(hole.start)
            } else {
                step_end
            };
            // A record's length begins with zeros.
            if self.is_zero(at, segment_end.min(step_end + 7))? {
                zeros += step_end - at;
            } else {
                zeros = 0;
                let next = self.find_record(at, step_end, segment_end)?;
                if next.is_some() {
                    return Ok(next);
                }
            }
            at = step_end;
        }
        if self.goes_on_behind(segment_end)? {
            return Ok(Some(segment_end));
        }
        self.end_by_header(from, segment_end)
    }

    /// Whether the log can go on behind a segment that was not closed by a filler: there is a next
    /// one, and it was used. The last one may have been made ahead, and has zeros only.
    pub(super) fn goes_on_behind(&self, segment_end: u64) -> Result<bool, StoreError> {
        let limit = self.log.limit();
        if segment_end >= limit {
            return Ok(false);
        }
        let next_end = segment_end + self.log.segment_size;
        if next_end < limit || segment_end < self.mark {
            return Ok(true);
        }
        let head_end = next_end.min(segment_end + SEARCH_STEP as u64);
        Ok(!self.is_zero(segment_end, head_end)?)
    }

    /// Whether a sector of a record at `at` may be missing.
    fn may_miss_sectors(&self, at: u64) -> bool {
        at >= self.mark && self.unsynced == Unsynced::MayBeLost
    }

    /// The record at `at` when it is whole and says itself that it lies there.
    fn read_record(&self, at: u64, size: u32) -> Result<Option<Bytes>, StoreError> {
        if (size as usize) < MIN_RECORD_SIZE || !self.log.may_hold(at, size)? {
            return Ok(None);
        }
        let size = size as usize;
        let mut bytes = BytesMut::zeroed(size);
        if !self.log.read(at, &mut bytes)? {
            return Ok(None);
        }
        let bytes = bytes.freeze();
        let Ok(record) = RecordView::parse(&bytes) else {
            return Ok(None);
        };
        let behind = at + record.size as u64;
        let fits = record.physical_offset.0 == at
            && record.check_body().is_ok()
            // Where no sector is missing a text may end in zeros that were sent, unless nothing
            // follows either: then the record was not wholly written.
            && !(self.misses_text(at, &record)
                && (self.may_miss_sectors(at) || self.is_zero(behind, behind + 8)?));
        Ok(fits.then_some(bytes))
    }

    /// Whether there is nothing but zeros in the range, which lies in one segment.
    pub(super) fn is_zero(&self, from: u64, to: u64) -> Result<bool, StoreError> {
        const ZEROS: [u8; 4096] = [0; 4096];
        let mut at = from;
        while at < to {
            let step = usize::try_from(to - at).unwrap_or(usize::MAX);
            let mut window = vec![0; step.min(SEARCH_STEP)];
            let is_read = self.log.read(at, &mut window)?;
            let mut blocks = window.chunks(ZEROS.len());
            if !is_read || !blocks.all(|block| ZEROS.starts_with(block)) {
                return Ok(false);
            }
            at += window.len() as u64;
        }
        Ok(true)
    }

    /// Where the first valid record or filler begins in `from..until`, which lies in one segment.
    pub(super) fn find_record(
        &self,
        mut from: u64,
        until: u64,
        segment_end: u64,
    ) -> Result<Option<u64>, StoreError> {
        while from < until {
            let step_end = until.min(from + SEARCH_STEP as u64);
            let length = (step_end + 7).min(segment_end) - from;
            let mut window = vec![0; usize::try_from(length).unwrap_or(0)];
            if !self.log.read(from, &mut window)? {
                break;
            }
            for (at, head) in (from..step_end).zip(window.windows(8)) {
                let (size, magic) = size_and_magic(head);
                let blank = magic == MAGIC_BLANK && u64::from(size) == segment_end - at;
                let record = matches!(magic, MAGIC_V1 | MAGIC_V2);
                if blank || record && self.read_record(at, size)?.is_some() {
                    return Ok(Some(at));
                }
            }
            from = step_end;
        }
        Ok(None)
    }
}

/// What a record or a filler begins with.
fn size_and_magic(mut head: &[u8]) -> (u32, u32) {
    let mut next = || head.try_get_u32().unwrap_or_default();
    (next(), next())
}
