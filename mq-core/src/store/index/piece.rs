//! Items that are in no file yet. Each leads to an older one whose hash falls into the same bucket, so
//! that a search looks at a few of them only, however many there are.

use std::ops::RangeInclusive;

use super::file::KeyItem;

#[derive(Debug, Default)]
pub(super) struct KeyPiece {
    items: Vec<KeyItem>,
    /// Of each item, the number of the next older one in its bucket; 0 when there is none. The first
    /// item has the number 1.
    older: Vec<u32>,
    /// The number of the newest item of each bucket.
    newest: Vec<u32>,
}

impl KeyPiece {
    /// Memory for so many items is reserved with the first, so that none is moved under the log's lock.
    pub(super) fn push(&mut self, item: KeyItem, room: usize) {
        if self.newest.is_empty() {
            self.items.reserve_exact(room);
            self.older.reserve_exact(room);
            self.newest = vec![0; (room / 2).next_power_of_two()];
        }
        let bucket = self.bucket(item.hash);
        let Ok(number) = u32::try_from(self.items.len() + 1) else {
            return;
        };
        if let Some(newest) = self.newest.get_mut(bucket) {
            self.items.push(item);
            self.older.push(std::mem::replace(newest, number));
        }
    }

    pub(super) fn items(&self) -> &[KeyItem] {
        &self.items
    }

    /// Adds the physical offsets of messages with this hash, newest first, until there are `max`.
    pub(super) fn find(
        &self,
        hash: i32,
        times: &RangeInclusive<i64>,
        max: usize,
        found: &mut Vec<u64>,
    ) {
        let newest = self.newest.get(self.bucket(hash));
        let mut next = newest.copied().and_then(index_of);
        while let Some(index) = next.filter(|_| found.len() < max) {
            let Some(item) = self.items.get(index) else {
                return;
            };
            let fits = item.hash == hash && times.contains(&item.time_ms);
            if fits && !found.contains(&item.offset) {
                found.push(item.offset);
            }
            next = self.older.get(index).copied().and_then(index_of);
        }
    }

    /// The number of buckets is a power of two.
    fn bucket(&self, hash: i32) -> usize {
        // Keys that differ in few characters have hashes that are close together.
        let spread = hash.cast_unsigned().wrapping_mul(0x9E37_79B1);
        (spread >> 8) as usize & self.newest.len().saturating_sub(1)
    }
}

/// The place of the item with this number; `None` when it means no item.
fn index_of(number: u32) -> Option<usize> {
    usize::try_from(number.checked_sub(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_found_newest_first_among_others_of_their_bucket() {
        let mut piece = KeyPiece::default();
        for offset in 0..100 {
            let hash = i32::try_from(offset % 10).unwrap();
            let time_ms = i64::try_from(offset).unwrap();
            let item = KeyItem {
                hash,
                offset,
                time_ms,
            };
            piece.push(item, 8);
        }
        let find = |hash, times, max| {
            let mut found = vec![93];
            piece.find(hash, &times, max, &mut found);
            found
        };

        assert_eq!(find(3, 0..=100, 4), [93, 83, 73, 63]);
        assert_eq!(find(3, 0..=25, 10), [93, 23, 13, 3]);
        assert_eq!(find(11, 0..=100, 10), [93]);
        let mut none = Vec::new();
        KeyPiece::default().find(3, &(0..=100), 10, &mut none);
        assert!(none.is_empty());
    }
}
