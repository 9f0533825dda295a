//! One index file in Apache's layout (`IndexFile`): header, hash slots, items chained per slot.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use bytes::{Buf, BufMut};

use crate::store::disk::{Disk, File};
use crate::store::error::{StoreError, at};

const HEADER_SIZE: u64 = 40;
const SLOTS: u64 = 5_000_000;
const SLOT_SIZE: u64 = 4;
const ITEMS: u32 = 20_000_000;
const ITEM_SIZE: u64 = 20;
/// Bytes of an index file.
pub(super) const SIZE: u64 = HEADER_SIZE + SLOTS * SLOT_SIZE + ITEMS as u64 * ITEM_SIZE;

/// One key of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) hash: i32,
    /// Where the message lies.
    pub(super) offset: u64,
    /// When it was stored, ms since 1970.
    pub(super) time_ms: i64,
}

#[derive(Debug)]
pub(super) struct IndexFile {
    path: PathBuf,
    file: Box<dyn File>,
    header: IndexHeader,
}

#[derive(Clone, Copy, Debug, Default)]
struct IndexHeader {
    begin_time: i64,
    end_time: i64,
    begin_offset: u64,
    end_offset: u64,
    slots: u32,
    /// Number of the next item; item 0 is not used.
    next: u32,
}

impl IndexFile {
    pub(super) fn create(disk: &dyn Disk, path: PathBuf) -> Result<Self, StoreError> {
        let file = disk.create(&path, SIZE).map_err(at("create", &path))?;
        Ok(Self {
            path,
            file,
            header: IndexHeader {
                next: 1,
                ..IndexHeader::default()
            },
        })
    }

    pub(super) fn open(disk: &dyn Disk, path: PathBuf) -> Result<Self, StoreError> {
        let file = disk.open(&path).map_err(at("open", &path))?;
        let mut bytes = [0; 40];
        file.read_at(0, &mut bytes).map_err(at("read", &path))?;
        let mut bytes = &bytes[..];
        let header = IndexHeader {
            begin_time: bytes.get_i64(),
            end_time: bytes.get_i64(),
            begin_offset: bytes.get_u64(),
            end_offset: bytes.get_u64(),
            slots: bytes.get_u32(),
            next: bytes.get_u32().clamp(1, ITEMS),
        };
        Ok(Self { path, file, header })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_full(&self) -> bool {
        self.header.next >= ITEMS
    }

    /// Store time and physical offset of the last message.
    pub(super) fn last(&self) -> (i64, u64) {
        (self.header.end_time, self.header.end_offset)
    }

    pub(super) fn put(&mut self, item: Item) -> Result<(), StoreError> {
        if self.header.next == 1 {
            self.header.begin_time = item.time_ms;
            self.header.begin_offset = item.offset;
        }
        let slot_at = slot_of(item.hash);
        let previous = self.read_u32(slot_at)?;
        let previous = if previous < self.header.next {
            previous
        } else {
            0
        };
        let seconds = item.time_ms.saturating_sub(self.header.begin_time) / 1000;
        let seconds = i32::try_from(seconds.max(0)).unwrap_or(i32::MAX);
        let mut bytes = Vec::with_capacity(20);
        bytes.put_i32(item.hash);
        bytes.put_u64(item.offset);
        bytes.put_i32(seconds);
        bytes.put_u32(previous);
        self.write(item_at(self.header.next), &bytes)?;
        self.write(slot_at, &self.header.next.to_be_bytes())?;
        self.header.slots = self.header.slots.saturating_add((previous == 0).into());
        self.header.next += 1;
        self.header.end_time = item.time_ms;
        self.header.end_offset = item.offset;
        Ok(())
    }

    /// Adds the physical offsets of at most `max` messages with this hash, newest first.
    pub(super) fn find(
        &self,
        hash: i32,
        times: &RangeInclusive<i64>,
        max: usize,
        found: &mut Vec<u64>,
    ) -> Result<(), StoreError> {
        let mut number = self.read_u32(slot_of(hash))?;
        let enough = found.len() + max;
        // Each item leads to an older one; a damaged chain cannot go round.
        let mut newer = self.header.next;
        while number > 0 && number < newer && found.len() < enough {
            newer = number;
            let mut bytes = [0; 20];
            self.read(item_at(number), &mut bytes)?;
            let mut bytes = &bytes[..];
            let (item_hash, offset) = (bytes.get_i32(), bytes.get_u64());
            let since = i64::from(bytes.get_i32()) * 1000;
            let time = self.header.begin_time.saturating_add(since);
            // Times are kept to the second only, and none before that of the first message: when the
            // clock was set back since, such a message may be older.
            let earliest = if since == 0 { i64::MIN } else { time };
            let second = earliest..=time.saturating_add(999);
            let in_time = second.start() <= times.end() && times.start() <= second.end();
            if item_hash == hash && in_time {
                found.push(offset);
            }
            number = bytes.get_u32();
        }
        Ok(())
    }

    pub(super) fn store_header(&self) -> Result<(), StoreError> {
        let header = &self.header;
        let mut bytes = Vec::with_capacity(40);
        bytes.put_i64(header.begin_time);
        bytes.put_i64(header.end_time);
        bytes.put_u64(header.begin_offset);
        bytes.put_u64(header.end_offset);
        bytes.put_u32(header.slots);
        bytes.put_u32(header.next);
        self.write(0, &bytes)
    }

    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.file.sync().map_err(at("sync", &self.path))
    }

    fn read_u32(&self, offset: u64) -> Result<u32, StoreError> {
        let mut bytes = [0; 4];
        self.read(offset, &mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), StoreError> {
        self.file
            .read_at(offset, buffer)
            .map_err(at("read", &self.path))
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), StoreError> {
        self.file
            .write_at(offset, bytes)
            .map_err(at("write", &self.path))
    }
}

fn slot_of(hash: i32) -> u64 {
    HEADER_SIZE + u64::from(hash.unsigned_abs()) % SLOTS * SLOT_SIZE
}

fn item_at(number: u32) -> u64 {
    HEADER_SIZE + SLOTS * SLOT_SIZE + u64::from(number) * ITEM_SIZE
}
