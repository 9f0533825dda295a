//! One entry: 20 bytes, as Apache's `ConsumeQueue` writes them.

use bytes::{Buf, BufMut};

/// Where a message lies and what its tag is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct QueueEntry {
    /// Where its record begins in the log.
    pub(in crate::store) offset: u64,
    /// Bytes of the record; [`QueueEntry::HOLE_SIZE`] where there is none.
    pub(in crate::store) size: u32,
    /// Hash of the tag, or the time of delivery in the schedule topic.
    pub(in crate::store) tag: i64,
}

impl QueueEntry {
    pub(in crate::store) const SIZE: u64 = 20;
    /// The size by which Apache marks entries before the first of a queue.
    const HOLE_SIZE: u32 = 0x7FFF_FFFF;
    /// No message: it was deleted before, or is damaged.
    pub(in crate::store) const HOLE: Self = Self {
        offset: 0,
        size: Self::HOLE_SIZE,
        tag: 0,
    };

    /// What a file holds where nothing was written.
    pub(in crate::store) const UNWRITTEN: Self = Self {
        offset: 0,
        size: 0,
        tag: 0,
    };

    pub(in crate::store) fn is_hole(&self) -> bool {
        self.size == Self::HOLE_SIZE
    }

    /// Where its record ends; 0 for a hole.
    pub(in crate::store) fn end(&self) -> u64 {
        if self.is_hole() {
            0
        } else {
            self.offset.saturating_add(self.size.into())
        }
    }

    /// Whether its message lies before the physical offset `offset`.
    pub(super) fn is_before(&self, offset: u64) -> bool {
        self.offset.max(self.end()) <= offset
    }

    pub(in crate::store) fn write(&self, out: &mut impl BufMut) {
        out.put_u64(self.offset);
        out.put_u32(self.size);
        out.put_i64(self.tag);
    }

    /// Reads 20 bytes; `None` where nothing was written.
    pub(in crate::store) fn read(mut bytes: &[u8]) -> Option<Self> {
        let offset = bytes.try_get_u64().ok()?;
        let size = bytes.try_get_u32().ok()?;
        let tag = bytes.try_get_i64().ok()?;
        (size > 0).then_some(Self { offset, size, tag })
    }
}
