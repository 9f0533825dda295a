//! One index file in Apache's layout (`IndexFile`): header, hash slots, items chained per slot.
//!
//! Items come in large pieces. First they are written behind those that are there, with the header
//! that counts them, and synced; then the slots are pointed at them. So no slot leads to an item that a
//! loss of power took away, and with it to the older ones of its chain. Items to which no slot leads
//! after a crash are written again: the next start has them from the snapshot or from the log.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use bytes::{Buf, BufMut};
use parking_lot::Mutex;

use crate::store::config::IndexSizes;
use crate::store::disk::{Disk, File};
use crate::store::error::{StoreError, at};

const HEADER_SIZE: u64 = 40;
const SLOT_SIZE: u64 = 4;
const ITEM_SIZE: u64 = 20;
/// Items in one write.
const ITEMS_PER_WRITE: usize = 16 * 1024;
/// Items in one read when a start looks for those that it has.
const ITEMS_PER_READ: u32 = 128 * 1024;
/// Slots in one read or write at most: 2 MiB, which is all the memory that linking a piece takes. It
/// reads the slots again, which costs no more CPU than to keep 20 MB of them until the items are synced.
const SLOTS_PER_RUN: u32 = 512 * 1024;
/// Two slots with at most so many between them are read and written together. The keys of Apache's
/// clients differ in their last characters, so that a piece of them leaves gaps of some thousand slots.
const SLOTS_BETWEEN: u32 = 16 * 1024;

/// One key of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyItem {
    pub(super) hash: i32,
    /// Where the message lies.
    pub(super) offset: u64,
    /// When it was stored, ms since 1970.
    pub(super) time_ms: i64,
}

/// An item as it lies in a file.
#[derive(Clone, Copy, Debug)]
struct FiledItem {
    hash: i32,
    offset: u64,
    /// Seconds since the first message of the file.
    seconds: i32,
    /// The number of the next older item of the slot; 0 when there is none.
    previous: u32,
}

#[derive(Debug)]
pub(super) struct IndexFile {
    path: PathBuf,
    file: Box<dyn File>,
    sizes: IndexSizes,
    header: Mutex<IndexHeader>,
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

/// Items that are in a file, and the slots that must be pointed at them.
#[derive(Debug)]
pub(super) struct AddedItems {
    /// How many items.
    pub(super) count: usize,
    /// In the order of the file.
    slots: Vec<SlotChange>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct SlotChange {
    slot: u32,
    /// The number of the item to which it leads.
    item: u32,
}

impl IndexFile {
    pub(super) fn create(
        disk: &dyn Disk,
        path: PathBuf,
        sizes: IndexSizes,
    ) -> Result<Self, StoreError> {
        let file = disk.create(&path, size(sizes));
        let file = file.map_err(at("create", &path))?;
        let header = IndexHeader {
            next: 1,
            ..IndexHeader::default()
        };
        Ok(Self {
            path,
            file,
            sizes,
            header: Mutex::new(header),
        })
    }

    pub(super) fn open(
        disk: &dyn Disk,
        path: PathBuf,
        sizes: IndexSizes,
    ) -> Result<Self, StoreError> {
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
            next: bytes.get_u32().clamp(1, sizes.items.max(1)),
        };
        Ok(Self {
            path,
            file,
            sizes,
            header: Mutex::new(header),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_full(&self) -> bool {
        self.header.lock().next >= self.sizes.items
    }

    /// Store time and physical offset of the last message.
    pub(super) fn last(&self) -> (i64, u64) {
        let header = self.header.lock();
        (header.end_time, header.end_offset)
    }

    /// Writes as many of the items as find room, and syncs them. [`IndexFile::link`] comes next; until
    /// that succeeds they are not found here.
    pub(super) fn add(&self, items: &[KeyItem]) -> Result<AddedItems, StoreError> {
        let mut header = *self.header.lock();
        let first = header.next;
        let room = self.sizes.items.saturating_sub(first);
        let items = items.get(..room as usize).unwrap_or(items);
        let (Some(oldest), Some(newest)) = (items.first(), items.last()) else {
            return Ok(AddedItems {
                count: 0,
                slots: Vec::new(),
            });
        };
        if first == 1 {
            header.begin_time = oldest.time_ms;
            header.begin_offset = oldest.offset;
        }
        let numbered = items.iter().zip(first..);
        let mut by_slot: Vec<SlotChange> = numbered
            .map(|(item, number)| SlotChange {
                slot: self.slot_of(item.hash),
                item: number,
            })
            .collect();
        by_slot.sort_unstable();
        let chains = || by_slot.chunk_by(|one, next| one.slot == next.slot);
        let slots: Vec<SlotChange> = chains().filter_map(<[_]>::last).copied().collect();
        let mut previous = vec![0; items.len()];
        let in_file = self.read_slots(&slots)?;
        for (chain, in_file) in chains().zip(in_file) {
            let mut before = if in_file < first { in_file } else { 0 };
            header.slots = header.slots.saturating_add((before == 0).into());
            for change in chain {
                if let Some(previous) = previous.get_mut((change.item - first) as usize) {
                    *previous = before;
                }
                before = change.item;
            }
        }
        header.next = first.saturating_add(u32::try_from(items.len()).unwrap_or(u32::MAX));
        header.end_time = newest.time_ms;
        header.end_offset = newest.offset;
        self.write_items(&header, first, items, &previous)?;
        self.write(0, &encode(&header))?;
        self.sync()?;
        *self.header.lock() = header;
        Ok(AddedItems {
            count: items.len(),
            slots,
        })
    }

    /// Points the slots at items that were added. It may be done again when it failed.
    pub(super) fn link(&self, added: &AddedItems) -> Result<(), StoreError> {
        let mut bytes = Vec::new();
        for (begin, run) in runs(&added.slots) {
            self.read_run(begin, run, &mut bytes)?;
            for change in run {
                let at = ((change.slot - begin) * 4) as usize;
                if let Some(slot) = bytes.get_mut(at..at + 4) {
                    slot.copy_from_slice(&change.item.to_be_bytes());
                }
            }
            self.write(slot_at(begin), &bytes)?;
        }
        Ok(())
    }

    /// Adds the physical offsets of messages with this hash, newest first, until there are `max`.
    pub(super) fn find(
        &self,
        hash: i32,
        times: &RangeInclusive<i64>,
        max: usize,
        found: &mut Vec<u64>,
    ) -> Result<(), StoreError> {
        let mut slot = [0; 4];
        self.read(slot_at(self.slot_of(hash)), &mut slot)?;
        let mut number = u32::from_be_bytes(slot);
        // Asked for behind the slot, which may be pointed at newer items meanwhile.
        let header = *self.header.lock();
        // Each item leads to an older one; a damaged chain cannot go round.
        let mut newer = header.next;
        while number > 0 && number < newer && found.len() < max {
            newer = number;
            let item = self.item(number)?;
            let since = i64::from(item.seconds) * 1000;
            let time = header.begin_time.saturating_add(since);
            // Times are kept to the second only, and none before that of the first message: when the
            // clock was set back since, such a message may be older.
            let earliest = if since == 0 { i64::MIN } else { time };
            let second = earliest..=time.saturating_add(999);
            let in_time = second.start() <= times.end() && times.start() <= second.end();
            if item.hash == hash && in_time && !found.contains(&item.offset) {
                found.push(item.offset);
            }
            number = item.previous;
        }
        Ok(())
    }

    /// Removes from `items` those that are found here. An item that only the header counts is not: a
    /// crash may have come before its slot was pointed at it.
    pub(super) fn remove_found(&self, items: &mut Vec<KeyItem>) -> Result<(), StoreError> {
        let header = *self.header.lock();
        let offsets = items.iter().map(|item| item.offset);
        let Some(oldest) = offsets.filter(|offset| *offset <= header.end_offset).min() else {
            return Ok(());
        };
        let mut wanted: HashSet<_> = items.iter().map(|item| (item.hash, item.offset)).collect();
        // Items to which a slot leads, or an item that is found.
        let mut reached = HashSet::new();
        let mut end = header.next;
        // From the newest on, as chains lead; down to messages that are older than all that are wanted.
        while end > 1 {
            let begin = end.saturating_sub(ITEMS_PER_READ).max(1);
            let filed = self.items(begin, end)?;
            let slots = filed.iter().zip(begin..).map(|(item, number)| SlotChange {
                slot: self.slot_of(item.hash),
                item: number,
            });
            let mut slots: Vec<SlotChange> = slots.collect();
            slots.sort_unstable();
            slots.dedup_by_key(|change| change.slot);
            reached.extend(self.read_slots(&slots)?);
            for (item, number) in filed.iter().zip(begin..end).rev() {
                if reached.remove(&number) {
                    reached.insert(item.previous);
                    wanted.remove(&(item.hash, item.offset));
                }
            }
            if filed.iter().all(|item| item.offset < oldest) {
                break;
            }
            end = begin;
        }
        items.retain(|item| wanted.contains(&(item.hash, item.offset)));
        Ok(())
    }

    /// The physical offset of the message of the last item but `count`, or of the first; `None` when the
    /// file has no item.
    pub(super) fn offset_before(&self, count: usize) -> Result<Option<u64>, StoreError> {
        let next = self.header.lock().next;
        if next == 1 {
            return Ok(None);
        }
        let behind = u32::try_from(count).unwrap_or(u32::MAX);
        let number = next.saturating_sub(behind).max(1);
        Ok(Some(self.item(number)?.offset))
    }

    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.file.sync().map_err(at("sync", &self.path))
    }

    fn write_items(
        &self,
        header: &IndexHeader,
        first: u32,
        items: &[KeyItem],
        previous: &[u32],
    ) -> Result<(), StoreError> {
        let mut offset = self.item_at(first);
        let mut bytes = Vec::with_capacity(20 * ITEMS_PER_WRITE.min(items.len()));
        let parts = items.chunks(ITEMS_PER_WRITE);
        for (items, previous) in parts.zip(previous.chunks(ITEMS_PER_WRITE)) {
            bytes.clear();
            for (item, previous) in items.iter().zip(previous) {
                let seconds = item.time_ms.saturating_sub(header.begin_time) / 1000;
                bytes.put_i32(item.hash);
                bytes.put_u64(item.offset);
                bytes.put_i32(i32::try_from(seconds.max(0)).unwrap_or(i32::MAX));
                bytes.put_u32(*previous);
            }
            self.write(offset, &bytes)?;
            offset += bytes.len() as u64;
        }
        Ok(())
    }

    fn item(&self, number: u32) -> Result<FiledItem, StoreError> {
        let mut bytes = [0; 20];
        self.read(self.item_at(number), &mut bytes)?;
        Ok(FiledItem::decode(&bytes))
    }

    /// The items with the numbers from `begin` to `end`.
    fn items(&self, begin: u32, end: u32) -> Result<Vec<FiledItem>, StoreError> {
        let (from, to) = (self.item_at(begin), self.item_at(end));
        let mut bytes = vec![0; usize::try_from(to - from).unwrap_or(usize::MAX)];
        self.read(from, &mut bytes)?;
        Ok(bytes.chunks_exact(20).map(FiledItem::decode).collect())
    }

    /// What the file has in each of the slots.
    fn read_slots(&self, slots: &[SlotChange]) -> Result<Vec<u32>, StoreError> {
        let mut values = Vec::with_capacity(slots.len());
        let mut bytes = Vec::new();
        for (begin, run) in runs(slots) {
            self.read_run(begin, run, &mut bytes)?;
            for change in run {
                let at = ((change.slot - begin) * 4) as usize;
                let slot = bytes.get(at..at + 4).and_then(|slot| slot.try_into().ok());
                values.push(u32::from_be_bytes(slot.unwrap_or_default()));
            }
        }
        Ok(values)
    }

    /// Fills `bytes` with all slots from the first to the last of a run.
    fn read_run(
        &self,
        begin: u32,
        run: &[SlotChange],
        bytes: &mut Vec<u8>,
    ) -> Result<(), StoreError> {
        let last = run.last().map_or(begin, |change| change.slot);
        bytes.resize(((last - begin + 1) * 4) as usize, 0);
        self.read(slot_at(begin), bytes)
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

    fn slot_of(&self, hash: i32) -> u32 {
        hash.unsigned_abs() % self.sizes.slots.max(1)
    }

    fn item_at(&self, number: u32) -> u64 {
        items_at(self.sizes) + u64::from(number) * ITEM_SIZE
    }
}

impl FiledItem {
    fn decode(mut bytes: &[u8]) -> Self {
        Self {
            hash: bytes.get_i32(),
            offset: bytes.get_u64(),
            seconds: bytes.get_i32(),
            previous: bytes.get_u32(),
        }
    }
}

/// Bytes of an index file.
pub(super) fn size(sizes: IndexSizes) -> u64 {
    items_at(sizes) + u64::from(sizes.items) * ITEM_SIZE
}

fn items_at(sizes: IndexSizes) -> u64 {
    slot_at(sizes.slots)
}

fn slot_at(slot: u32) -> u64 {
    HEADER_SIZE + u64::from(slot) * SLOT_SIZE
}

/// Changes of slots that lie close together, each run with its first slot.
fn runs(mut changes: &[SlotChange]) -> impl Iterator<Item = (u32, &[SlotChange])> {
    std::iter::from_fn(move || {
        let begin = changes.first()?.slot;
        let mut last = begin;
        let near = changes.iter().take_while(|change| {
            let is_near =
                change.slot - last <= SLOTS_BETWEEN && change.slot - begin < SLOTS_PER_RUN;
            last = change.slot;
            is_near
        });
        let (run, rest) = changes.split_at_checked(near.count())?;
        changes = rest;
        Some((begin, run))
    })
}

fn encode(header: &IndexHeader) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(40);
    bytes.put_i64(header.begin_time);
    bytes.put_i64(header.end_time);
    bytes.put_u64(header.begin_offset);
    bytes.put_u64(header.end_offset);
    bytes.put_u32(header.slots);
    bytes.put_u32(header.next);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::disk::{FaultyDisk, MemoryDisk};
    use crate::store::key_hash::key_hash;

    const SIZES: IndexSizes = IndexSizes {
        slots: 10_007,
        items: 400,
        in_memory: 0,
    };

    /// `IndexFile.putKey`, an item at a time.
    fn put(bytes: &mut [u8], item: KeyItem, begin_time: i64) {
        let at =
            |bytes: &[u8], at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        let number = at(bytes, 36).max(1);
        let slot = 40 + item.hash.unsigned_abs() as usize % 10_007 * 4;
        let before = at(bytes, slot);
        let place = 40 + 10_007 * 4 + number as usize * 20;
        let seconds = i32::try_from((item.time_ms - begin_time).max(0) / 1000).unwrap();
        bytes[place..place + 4].copy_from_slice(&item.hash.to_be_bytes());
        bytes[place + 4..place + 12].copy_from_slice(&item.offset.to_be_bytes());
        bytes[place + 12..place + 16].copy_from_slice(&seconds.to_be_bytes());
        bytes[place + 16..place + 20].copy_from_slice(&before.to_be_bytes());
        bytes[slot..slot + 4].copy_from_slice(&number.to_be_bytes());
        if number == 1 {
            bytes[0..8].copy_from_slice(&item.time_ms.to_be_bytes());
            bytes[16..24].copy_from_slice(&item.offset.to_be_bytes());
        }
        bytes[8..16].copy_from_slice(&item.time_ms.to_be_bytes());
        bytes[24..32].copy_from_slice(&item.offset.to_be_bytes());
        let used = at(bytes, 32) + u32::from(before == 0);
        bytes[32..36].copy_from_slice(&used.to_be_bytes());
        bytes[36..40].copy_from_slice(&(number + 1).to_be_bytes());
    }

    #[test]
    fn pieces_leave_the_bytes_that_apache_writes_item_by_item() {
        let disk = MemoryDisk::default();
        let file = IndexFile::create(&disk, "/f".into(), SIZES).unwrap();
        let mut expected = vec![0; usize::try_from(size(SIZES)).unwrap()];
        let items: Vec<KeyItem> = (0..399_i32)
            .map(|n| KeyItem {
                // Some in one slot, by one hash and by different ones, and some far from all others.
                hash: n * 7_919 % 83 * 10_007 + n % 5 * 1_900 + n % 2,
                offset: 1_000 + u64::try_from(n).unwrap(),
                time_ms: 5_000_000 + i64::from(n * 700 % 9_000),
            })
            .collect();
        let mut rest = &items[..];
        let mut count = 1;
        while !rest.is_empty() {
            let added = file.add(&rest[..count.min(rest.len())]).unwrap();
            file.link(&added).unwrap();
            rest = &rest[added.count..];
            count = count * 3 % 50 + 1;
        }
        for item in &items {
            put(&mut expected, *item, items[0].time_ms);
        }

        let mut written = vec![0; expected.len()];
        file.file.read_at(0, &mut written).unwrap();

        assert!(file.is_full());
        assert_eq!(written, expected);
        for item in &items {
            let mut found = Vec::new();
            let times = item.time_ms - 999..=item.time_ms;
            file.find(item.hash, &times, 400, &mut found).unwrap();
            assert!(found.contains(&item.offset));
            assert!(found.is_sorted_by(|newer, older| newer > older));
        }
    }

    /// The slots of a piece were read in 290 calls, 0.002 for each message.
    #[test]
    fn a_piece_of_the_keys_of_apaches_clients_is_linked_with_few_reads() {
        const ITEMS: u32 = 131_072;
        let sizes = IndexSizes {
            slots: 5_000_000,
            items: ITEMS + 1,
            in_memory: 0,
        };
        let disk = FaultyDisk::default();
        let file = IndexFile::create(&disk, "/f".into(), sizes).unwrap();
        let items: Vec<KeyItem> = (0..ITEMS)
            .map(|n| {
                // 40 messages a millisecond (`MessageClientIDSetter`).
                let (ms, counter) = (123_456_789 + n / 40, n % 0x1_0000);
                let key = format!("7F0000011A2B18B4AAC2{ms:08X}{counter:04X}");
                KeyItem {
                    hash: key_hash("BenchmarkTest", &key),
                    offset: n.into(),
                    time_ms: 0,
                }
            })
            .collect();

        let added = file.add(&items).unwrap();
        file.link(&added).unwrap();

        let reads = disk.reads();
        assert!(reads <= 20, "{reads} reads");
        let mut unfound = items;
        file.remove_found(&mut unfound).unwrap();
        assert_eq!(unfound, []);
    }
}
