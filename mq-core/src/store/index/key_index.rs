//! Hashes of keys and where their messages lie; whoever asks compares the keys themselves.
//!
//! Entries gather in memory and reach Apache's index files in the background; what no file has yet
//! is searched in memory.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::file::{self, IndexFile, Item};
use crate::clock::Clock;
use crate::store::derived::{Derived, StoredRecord};
use crate::store::disk::{DirectoryEntry, Disk};
use crate::store::error::{StoreError, at};
use crate::store::key_hash::key_hash;
use crate::store::paths::{Paths, time_name};

/// Apache's bound on what one query gives (`maxMsgsNumBatch`).
const MAX_FOUND: usize = 64;

#[derive(Debug)]
pub(in crate::store) struct KeyIndex {
    paths: Paths,
    disk: Arc<dyn Disk>,
    clock: Clock,
    enabled: bool,
    pending: Mutex<Vec<Item>>,
    files: Mutex<Vec<IndexFile>>,
    last: Mutex<(i64, u64)>,
    /// Messages before this physical offset are in the files for certain.
    in_files: AtomicU64,
}

impl KeyIndex {
    pub(in crate::store) fn new(
        paths: Paths,
        disk: Arc<dyn Disk>,
        enabled: bool,
        clock: Clock,
    ) -> Self {
        Self {
            paths,
            disk,
            clock,
            enabled,
            pending: Mutex::default(),
            files: Mutex::default(),
            last: Mutex::default(),
            in_files: AtomicU64::new(0),
        }
    }

    /// Store time and physical offset of the last indexed message.
    pub(in crate::store) fn last(&self) -> (i64, u64) {
        *self.last.lock()
    }

    /// Physical offsets of messages that may have `key`, newest first, each once.
    pub(in crate::store) fn find(
        &self,
        topic: &str,
        key: &str,
        max: usize,
        times: RangeInclusive<i64>,
    ) -> Result<Vec<u64>, StoreError> {
        let hash = key_hash(topic, key);
        let max = max.min(MAX_FOUND);
        let files = self.files.lock();
        let pending = self.pending.lock();
        let fresh = pending.iter().rev();
        let fresh = fresh.filter(|item| item.hash == hash && times.contains(&item.time_ms));
        let mut found: Vec<u64> = fresh.map(|item| item.offset).take(max).collect();
        drop(pending);
        for file in files.iter().rev() {
            if found.len() >= max {
                break;
            }
            file.find(hash, &times, max - found.len(), &mut found)?;
        }
        let mut seen = HashSet::new();
        found.retain(|offset| seen.insert(*offset));
        Ok(found)
    }

    fn put(&self, files: &mut Vec<IndexFile>, item: Item) -> Result<(), StoreError> {
        if files.last().is_none_or(IndexFile::is_full) {
            if let Some(full) = files.last() {
                // Nobody comes back to it.
                full.store_header()?;
                full.sync()?;
            }
            let directory = self.paths.index();
            let created = self.disk.create_directories(&directory);
            created.map_err(at("create", &directory))?;
            let name = time_name(self.clock.now_ms());
            files.push(IndexFile::create(&*self.disk, directory.join(name))?);
        }
        files.last_mut().map_or(Ok(()), |file| file.put(item))
    }
}

impl Derived for KeyIndex {
    fn load(&self, trusted: u64, _limit: u64) -> Result<bool, StoreError> {
        let directory = self.paths.index();
        let mut names: Vec<String> = Vec::new();
        for entry in index_files(&*self.disk, &directory)? {
            if entry.length == file::SIZE {
                names.push(entry.name);
            } else {
                // Creating it was cut short; Apache's broker would refuse it.
                let path = directory.join(&entry.name);
                self.disk.remove(&path).map_err(at("remove", &path))?;
            }
        }
        names.sort_unstable();
        let opened = names
            .into_iter()
            .map(|name| IndexFile::open(&*self.disk, directory.join(name)));
        let files = opened.collect::<Result<Vec<_>, _>>()?;
        *self.last.lock() = files.last().map_or((0, 0), IndexFile::last);
        let behind_last = files
            .last()
            .map_or(0, |file| file.last().1.saturating_add(1));
        // Behind `trusted` only some of what the last file counts may have reached the disk.
        self.in_files
            .store(behind_last.min(trusted), Ordering::Relaxed);
        *self.files.lock() = files;
        // What it lacks is found by the walk for the queues, or is not worth one.
        Ok(true)
    }

    fn apply(&self, records: &[StoredRecord<'_>]) {
        if !self.enabled {
            return;
        }
        let mut pending = self.pending.lock();
        for record in records {
            let offset = record.position.physical_offset.0;
            let time_ms = record.position.store_timestamp;
            if record.is_replayed && offset < self.in_files.load(Ordering::Relaxed) {
                continue;
            }
            pending.extend(record.facts.key_hashes.iter().map(|hash| Item {
                hash: *hash,
                offset,
                time_ms,
            }));
            *self.last.lock() = (time_ms, offset);
        }
    }

    fn store(&self, _visible: u64) -> Result<(), StoreError> {
        let mut files = self.files.lock();
        // The items stay visible until the files have them.
        let items: Vec<Item> = self.pending.lock().clone();
        let mut done = 0;
        let outcome = items.iter().try_for_each(|item| {
            self.put(&mut files, *item)?;
            done += 1;
            Ok(())
        });
        let outcome = match files.last() {
            Some(file) => outcome.and(file.store_header()),
            None => outcome,
        };
        // What a file has is not written again, whatever happened behind it.
        self.pending.lock().drain(..done);
        drop(files);
        outcome
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.files.lock().last().map_or(Ok(()), IndexFile::sync)
    }

    fn drop_before(&self, begin: u64) -> Result<(), StoreError> {
        let mut files = self.files.lock();
        while files.len() > 1 && files.first().is_some_and(|file| file.last().1 < begin) {
            let file = files.remove(0);
            self.disk
                .remove(file.path())
                .map_err(at("remove", file.path()))?;
        }
        drop(files);
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.in_files.store(0, Ordering::Relaxed);
        self.files.lock().clear();
        self.pending.lock().clear();
        *self.last.lock() = (0, 0);
        let directory = self.paths.index();
        for entry in index_files(&*self.disk, &directory)? {
            let path = directory.join(&entry.name);
            self.disk.remove(&path).map_err(at("remove", &path))?;
        }
        Ok(())
    }
}

/// What in the directory is named as an index file is, after a time. Anything else is not ours.
fn index_files(disk: &dyn Disk, directory: &Path) -> Result<Vec<DirectoryEntry>, StoreError> {
    let mut entries = disk.list(directory).map_err(at("list", directory))?;
    let digits = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    entries.retain(|entry| entry.is_plain_file() && digits(&entry.name));
    Ok(entries)
}
