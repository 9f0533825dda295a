//! The file with the items that are in no index file yet, as they were when the mark of what is derived
//! moved last: at most some megabytes, where a sync of the index files would rewrite every page of
//! 20 MB of slots.
//!
//! It is replaced as a whole, so that after a crash it is either the old or the new one.

use std::borrow::Cow;
use std::path::Path;

use bytes::{Buf, BufMut, Bytes};

use super::file::KeyItem;
use crate::message::record::checksum;
use crate::store::disk::Disk;
use crate::store::error::{StoreError, at};

const END_SIZE: usize = 8;
const ITEM_SIZE: usize = 20;
const CHECKSUM_SIZE: usize = 4;

/// A snapshot that is being made.
#[derive(Debug)]
pub(super) struct KeySnapshot(Vec<u8>);

impl KeySnapshot {
    /// Items of messages before the physical offset `end` that are not put in are in the index files.
    pub(super) fn new(end: u64, items: usize) -> Self {
        let mut content = Vec::with_capacity(END_SIZE + items * ITEM_SIZE + CHECKSUM_SIZE);
        content.put_u64(end);
        Self(content)
    }

    pub(super) fn put(&mut self, item: &KeyItem) {
        self.0.put_i32(item.hash);
        self.0.put_u64(item.offset);
        self.0.put_i64(item.time_ms);
    }

    pub(super) fn save(mut self, disk: &dyn Disk, path: &Path) -> Result<(), StoreError> {
        let sum = checksum(&self.0);
        self.0.put_u32(sum);
        disk.replace(path, &self.0).map_err(at("write", path))
    }
}

/// Reads which items of messages before the physical offset `end` are in no index file, or were not when
/// the snapshot was saved. The error says to people why that is not to be had.
pub(super) fn load(
    disk: &dyn Disk,
    path: &Path,
    end: u64,
) -> Result<Vec<KeyItem>, Cow<'static, str>> {
    let content = disk.read(path).map_err(|error| error.to_string())?;
    let content = content.ok_or("the file is missing")?;
    let (covered, mut items) = decode(content).ok_or("the file is damaged")?;
    if covered < end {
        return Err("the file is older than the mark in `checkpoint`".into());
    }
    items.retain(|item| item.offset < end);
    Ok(items)
}

fn decode(mut content: Bytes) -> Option<(u64, Vec<KeyItem>)> {
    let mut sum = content.split_off(content.len().checked_sub(CHECKSUM_SIZE)?);
    let items_size = content.len().checked_sub(END_SIZE)?;
    if sum.get_u32() != checksum(&content) || !items_size.is_multiple_of(ITEM_SIZE) {
        return None;
    }
    let end = content.get_u64();
    let items = content.chunks_exact(ITEM_SIZE).map(|mut item| KeyItem {
        hash: item.get_i32(),
        offset: item.get_u64(),
        time_ms: item.get_i64(),
    });
    Some((end, items.collect()))
}
