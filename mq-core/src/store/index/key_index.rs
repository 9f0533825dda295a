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
use crate::message::record::{Draft, RecordView};
use crate::message::{Properties, property};
use crate::store::disk::{Disk, Entry};
use crate::store::error::{StoreError, at};
use crate::store::paths::Paths;

/// Apache's bound on what one query gives (`maxMsgsNumBatch`).
const MAX_FOUND: usize = 64;

#[derive(Debug)]
pub(in crate::store) struct KeyIndex {
    paths: Paths,
    disk: Arc<dyn Disk>,
    enabled: bool,
    pending: Mutex<Vec<Item>>,
    files: Mutex<Vec<IndexFile>>,
    last: Mutex<(i64, u64)>,
    /// Messages before this place are in the files for certain; those behind it only after a clean
    /// end.
    trusted: AtomicU64,
}

impl KeyIndex {
    pub(in crate::store) fn open(
        paths: Paths,
        disk: Arc<dyn Disk>,
        enabled: bool,
    ) -> Result<Self, StoreError> {
        let directory = paths.index();
        let mut names: Vec<String> = Vec::new();
        for entry in index_files(&*disk, &directory)? {
            if entry.length == file::SIZE {
                names.push(entry.name);
            } else {
                // Creating it was cut short; Apache's broker would refuse it.
                let path = directory.join(&entry.name);
                disk.remove(&path).map_err(at("remove", &path))?;
            }
        }
        names.sort_unstable();
        let mut files = Vec::with_capacity(names.len());
        for name in names {
            files.push(IndexFile::open(&*disk, directory.join(name))?);
        }
        let last = files.last().map_or((0, 0), IndexFile::last);
        let (pending, files, last) = (Mutex::default(), Mutex::new(files), Mutex::new(last));
        let trusted = AtomicU64::new(u64::MAX);
        Ok(Self {
            paths,
            disk,
            enabled,
            pending,
            files,
            last,
            trusted,
        })
    }

    /// Takes the files at their word only for messages before `place`.
    pub(in crate::store) fn trust_until(&self, place: u64) {
        self.trusted.store(place, Ordering::Relaxed);
    }

    /// Store time and physical offset of the last indexed message.
    pub(in crate::store) fn last(&self) -> (i64, u64) {
        *self.last.lock()
    }

    /// The hashes of a message's keys; none when the index is off.
    pub(in crate::store) fn keys_of(&self, draft: &Draft) -> Vec<i32> {
        self.hashes(draft.message.topic.as_str(), &draft.message.properties)
    }

    /// Adds a message that was just stored, with the hashes of its keys; called in the order of the
    /// log.
    pub(in crate::store) fn add(&self, keys: &[i32], offset: u64, time_ms: i64) {
        if !self.enabled {
            return;
        }
        let items = keys.iter().map(|hash| Item {
            hash: *hash,
            offset,
            time_ms,
        });
        self.pending.lock().extend(items);
        *self.last.lock() = (time_ms, offset);
    }

    /// Adds the keys of a record that is read again, unless a file has them.
    pub(in crate::store) fn add_record(&self, record: &RecordView<'_>) {
        let offset = record.physical_offset.0;
        let in_files = self.files.lock().last().map_or(0, |file| file.last().1);
        let known = offset <= in_files && offset < self.trusted.load(Ordering::Relaxed);
        if !known {
            let properties = Properties::from_bytes(record.properties.to_vec());
            let keys = self.hashes(record.topic, &properties);
            self.add(&keys, offset, record.store_timestamp);
        }
    }

    fn hashes(&self, topic: &str, properties: &Properties) -> Vec<i32> {
        if !self.enabled {
            return Vec::new();
        }
        let unique = properties.get(property::UNIQ_KEY);
        let keys = properties.get(property::KEYS).unwrap_or_default();
        let keys = unique
            .into_iter()
            .chain(keys.split(' ').filter(|key| !key.is_empty()));
        keys.map(|key| key_hash(topic, key)).collect()
    }

    /// Places of messages that may have `key`, newest first, each once.
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

    /// Writes what has gathered into the files.
    pub(in crate::store) fn store(&self, name: impl Fn() -> String) -> Result<(), StoreError> {
        let mut files = self.files.lock();
        // The items stay visible until the files have them.
        let items: Vec<Item> = self.pending.lock().clone();
        let mut done = 0;
        let outcome = items.iter().try_for_each(|item| {
            self.put(&mut files, *item, &name)?;
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

    fn put(
        &self,
        files: &mut Vec<IndexFile>,
        item: Item,
        name: impl Fn() -> String,
    ) -> Result<(), StoreError> {
        if files.last().is_none_or(IndexFile::is_full) {
            if let Some(full) = files.last() {
                // Nobody comes back to it.
                full.store_header()?;
                full.sync()?;
            }
            let directory = self.paths.index();
            let created = self.disk.create_directories(&directory);
            created.map_err(at("create", &directory))?;
            files.push(IndexFile::create(&*self.disk, directory.join(name()))?);
        }
        files.last_mut().map_or(Ok(()), |file| file.put(item))
    }

    /// Makes the newest file survive a loss of power; older ones do already.
    pub(in crate::store) fn sync(&self) -> Result<(), StoreError> {
        self.files.lock().last().map_or(Ok(()), IndexFile::sync)
    }

    /// Removes files whose messages all lie before `begin`.
    pub(in crate::store) fn drop_before(&self, begin: u64) -> Result<(), StoreError> {
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

    /// Forgets everything, on disk too.
    pub(in crate::store) fn clear(&self) -> Result<(), StoreError> {
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
fn index_files(disk: &dyn Disk, directory: &Path) -> Result<Vec<Entry>, StoreError> {
    let mut entries = disk.list(directory).map_err(at("list", directory))?;
    let digits = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    entries.retain(|entry| entry.is_plain_file() && digits(&entry.name));
    Ok(entries)
}

/// The absolute value of Java's hash of `topic#key` (`IndexFile.indexKeyHashMethod`).
fn key_hash(topic: &str, key: &str) -> i32 {
    let units = topic
        .encode_utf16()
        .chain(['#' as u16])
        .chain(key.encode_utf16());
    let hash = units.fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(unit.into())
    });
    hash.checked_abs().unwrap_or(0)
}
