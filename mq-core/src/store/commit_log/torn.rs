//! Tells a record above the synced mark that was never wholly written from one that was damaged
//! later.
//!
//! A disk writes sectors whole, and of one that it did not write there are zeros where the segment
//! had not been used before. A sector's share of a record that is nothing but zeros is therefore
//! taken for a missing one. Zeros that a sender wrote look the same: they count as missing only when
//! the record is not valid, and lie outside of a body whose checksum fits.

use std::ops::Range;

use bytes::{Buf as _, BytesMut};

use super::recover::Scan;
use crate::message::record::{MAGIC_V1, MAGIC_V2, MIN_RECORD_SIZE, RecordView};
use crate::store::error::StoreError;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;
/// A record begins with its length in so many bytes, and the first of these may be zeros.
const LENGTH_SIZE: u64 = 4;

impl Scan<'_> {
    /// Where the walk goes on behind a record above the mark that is not valid; `None` when the
    /// record was never wholly written, or none follows.
    pub(super) fn resume_above_mark(&self, segment_end: u64) -> Result<Option<u64>, StoreError> {
        let from = self.at;
        let body = self.checked_body(from)?;
        let mut share = from;
        while share < segment_end {
            let share_end = (share + self.left_in_sector(share)).min(segment_end);
            let next = self.find_record(share.max(from + 1), share_end, segment_end)?;
            let until = next.unwrap_or(share_end);
            // The first bytes of a length say nothing: most are zeros when they are there as well.
            let says = until - from >= LENGTH_SIZE;
            let is_of_body = body.start <= share && until <= body.end;
            let zeros_to_the_end = says && share_end - until < LENGTH_SIZE && !is_of_body;
            if zeros_to_the_end && self.is_zero(share, until)? {
                let end = self.end_by_header(from, segment_end)?;
                let Some(end) = end.filter(|end| *end <= share) else {
                    return Ok(None);
                };
                // Bytes between both are of this record: its length is not what is left of it.
                let is_cut_off = self.may_miss_length(from)? && !self.is_zero(end, share)?;
                return Ok((!is_cut_off).then_some(end));
            }
            if let Some(next) = next {
                return Ok((!self.misses_head(from, next)?).then_some(next));
            }
            share = share_end;
        }
        let goes_on = self.goes_on_behind(segment_end)?;
        Ok(goes_on.then_some(segment_end))
    }

    /// Where the body of the record at `from` lies if its checksum fits; an empty range at `from`
    /// if not. The rest of the record may be wrong.
    fn checked_body(&self, from: u64) -> Result<Range<u64>, StoreError> {
        let mut length = [0; 4];
        if !self.log.read(from, &mut length)? {
            return Ok(from..from);
        }
        let size = u32::from_be_bytes(length);
        if !self.log.may_hold(from, size)? {
            return Ok(from..from);
        }
        let mut bytes = BytesMut::zeroed(size as usize);
        let there = self.log.read(from, &mut bytes)?;
        let record = RecordView::parse(&bytes).ok();
        let record = record.filter(|record| there && record.check_body().is_ok());
        let body = record.map_or(&[][..], |record| record.body);
        if body.is_empty() {
            return Ok(from..from);
        }
        let start = from + (body.as_ptr().addr() - bytes.as_ptr().addr()) as u64;
        Ok(start..start + body.len() as u64)
    }

    /// Whether a sector's share of topic or properties, which no checksum covers, is missing.
    pub(super) fn misses_text(&self, at: u64, record: &RecordView<'_>) -> bool {
        let properties = at + (record.size - record.properties.len()) as u64;
        let topic = properties - 2 - record.topic.len() as u64;
        self.ends_in_zeros(topic, record.topic.as_bytes())
            || self.ends_in_zeros(properties, record.properties)
    }

    /// Whether in the `text` at `at` zeros reach the end of a sector or of the text.
    fn ends_in_zeros(&self, at: u64, text: &[u8]) -> bool {
        let first = usize::try_from(self.left_in_sector(at)).unwrap_or(usize::MAX);
        let (first, others) = text.split_at(first.min(text.len()));
        let mut shares = others.chunks(SECTOR).chain([first]);
        shares.any(|share| share.last() == Some(&0))
    }

    /// Whether the sector in which the record at `from` begins is missing, although it has fewer
    /// bytes of it than the length takes: those are zeros in most records anyway.
    fn misses_head(&self, from: u64, next: u64) -> Result<bool, StoreError> {
        let share = self.left_in_sector(from);
        let first_bytes = (next - from) >> (8 * LENGTH_SIZE.saturating_sub(share));
        Ok(self.may_miss_length(from)? && first_bytes > 0)
    }

    /// Whether the first bytes of the length of the record at `from` lie in another sector than the rest of
    /// it, which may be missing.
    fn may_miss_length(&self, from: u64) -> Result<bool, StoreError> {
        let share = self.left_in_sector(from);
        Ok(share < LENGTH_SIZE && self.is_zero(from, from + share)?)
    }

    /// Where the record at `from` ends as its length says, when it says as well that it lies there;
    /// `None` too when its last byte may be missing.
    pub(super) fn end_by_header(
        &self,
        from: u64,
        segment_end: u64,
    ) -> Result<Option<u64>, StoreError> {
        /// Checksum, queue and flag, and the queue offset.
        const BETWEEN: usize = 20;
        let mut head = [0; 8 + BETWEEN + 8];
        let mut last = [0];
        if segment_end - from < MIN_RECORD_SIZE as u64 || !self.log.read(from, &mut head)? {
            return Ok(None);
        }
        let mut head = &head[..];
        let (size, magic) = (head.get_u32(), head.get_u32());
        head.advance(BETWEEN);
        let fits = matches!(magic, MAGIC_V1 | MAGIC_V2) && head.get_u64() == from;
        let end = from + u64::from(size);
        let possible = fits && size as usize >= MIN_RECORD_SIZE && end <= segment_end;
        let ended = possible && self.log.read(end - 1, &mut last)? && last != [0];
        Ok(ended.then_some(end))
    }

    /// Bytes from `at` to the end of its sector; segments begin with a sector.
    fn left_in_sector(&self, at: u64) -> u64 {
        let sector = SECTOR as u64;
        sector - at % self.log.segment_size % sector
    }
}
