//! Hashes of keys and where their messages lie; whoever asks compares the keys themselves.
//!
//! Items gather in memory, where they are searched, and reach Apache's index files in pieces: when so
//! many have come that a piece is full, and all of them at a clean end. When the mark of what is derived
//! moves before that, thus every 32 MiB of log, those that wait are saved as a snapshot, from which the
//! next start gathers them again. The log gives those from the mark on.
//!
//! Memory is bounded by [`IndexSizes::in_memory`]. When the files cannot be written for so long that
//! it is full, items are dropped, and the log is read for them once there is room again.

use std::borrow::Cow;
use std::ops::{Range, RangeInclusive};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use super::file::{self, AddedItems, IndexFile, KeyItem};
use super::gathered::{DroppedKeys, GatheredKeys, TakenItems};
use super::piece::KeyPiece;
use super::snapshot::{self, KeySnapshot};
use crate::clock::Clock;
use crate::store::config::IndexSizes;
use crate::store::derived::{Derived, StoredRecord};
use crate::store::disk::{DirectoryEntry, Disk};
use crate::store::error::{StoreError, at};
use crate::store::key_hash::key_hash;
use crate::store::paths::{Paths, time_name};

/// Apache's bound on what one query gives (`maxMsgsNumBatch`).
const MAX_OFFSETS_FOUND: usize = 64;
/// Items are copied so many at a time, because the log waits meanwhile.
const ITEMS_PER_COPY: usize = 4 * 1024;

#[derive(Debug)]
pub(in crate::store) struct KeyIndex {
    paths: Paths,
    disk: Arc<dyn Disk>,
    clock: Clock,
    enabled: bool,
    sizes: IndexSizes,
    gathered: Mutex<GatheredKeys>,
    files: RwLock<Vec<Arc<IndexFile>>>,
    /// Held while files are written.
    storing: Mutex<PieceProgress>,
    last: Mutex<(i64, u64)>,
    /// Messages before this physical offset are in the files for certain.
    in_files: AtomicU64,
    /// A piece is full.
    pub(in crate::store) piece_full: Notify,
}

/// How far the oldest piece is on its way into the files.
#[derive(Debug, Default)]
struct PieceProgress {
    /// So many of its items are found there.
    done: usize,
    /// Items behind those that are in the newest file, but not found there yet.
    added: Option<AddedItems>,
}

impl KeyIndex {
    pub(in crate::store) fn new(
        paths: Paths,
        disk: Arc<dyn Disk>,
        enabled: bool,
        sizes: IndexSizes,
        clock: Clock,
    ) -> Self {
        Self {
            paths,
            disk,
            clock,
            enabled,
            sizes,
            gathered: Mutex::new(GatheredKeys::new(sizes.in_memory)),
            files: RwLock::default(),
            storing: Mutex::default(),
            last: Mutex::default(),
            in_files: AtomicU64::new(0),
            piece_full: Notify::new(),
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
        let max = max.min(MAX_OFFSETS_FOUND);
        let mut found = Vec::new();
        // Memory first: a piece leaves it only once it is found in the files.
        let gathered = self.gathered.lock();
        let (open, full) = gathered.pieces();
        open.find(hash, &times, max, &mut found);
        drop(gathered);
        for piece in full {
            piece.find(hash, &times, max, &mut found);
        }
        let files = self.files.read().clone();
        for file in files.iter().rev() {
            if found.len() >= max {
                break;
            }
            file.find(hash, &times, max, &mut found)?;
        }
        Ok(found)
    }

    /// The part of the log whose items were dropped.
    pub(in crate::store) fn dropped(&self) -> Option<DroppedKeys> {
        self.gathered.lock().dropped()
    }

    /// The store time of the oldest message with keys that are in no file. `Some(0)` when that is not
    /// known because items were dropped.
    pub(in crate::store) fn unfiled_since(&self) -> Option<i64> {
        let gathered = self.gathered.lock();
        match gathered.dropped() {
            Some(_) => Some(0),
            None => gathered.copy(0..1).first().map(|item| item.time_ms),
        }
    }

    /// Takes items again from the record at the physical offset `end` on, behind which none was
    /// applied yet.
    pub(in crate::store) fn take_from(&self, end: u64) {
        self.gathered.lock().take_from(end);
    }

    /// Takes the items of a dropped record that was read from the log. `false` when there is no room
    /// again.
    pub(in crate::store) fn catch_up(&self, record: &StoredRecord<'_>) -> Result<bool, StoreError> {
        if self.gathered.lock().is_half_full() {
            self.store_full()?;
        }
        let offset = record.position.physical_offset.0;
        let mut gathered = self.gathered.lock();
        if gathered.take(offset, items_of(record)) == TakenItems::Dropped {
            return Ok(false);
        }
        gathered.caught_up(offset.saturating_add(record.size.into()));
        Ok(true)
    }

    /// Nothing was dropped before the physical offset `end` that is not back.
    pub(in crate::store) fn caught_up(&self, end: u64) {
        self.gathered.lock().caught_up(end);
    }

    /// Writes the pieces that are full.
    fn store_full(&self) -> Result<(), StoreError> {
        let mut storing = self.storing.lock();
        // Not those that become full meanwhile.
        let waiting = self.gathered.lock().waiting();
        for _ in 0..waiting {
            let Some(piece) = self.gathered.lock().oldest() else {
                break;
            };
            self.store_piece(&mut storing, &piece)?;
            self.gathered.lock().drop_oldest();
            storing.done = 0;
        }
        Ok(())
    }

    /// Writes all that was applied so far, as Apache's broker expects it of a store that was closed in
    /// order.
    pub(in crate::store) fn store_rest(&self) -> Result<(), StoreError> {
        self.store_full()?;
        self.gathered.lock().close_piece();
        self.store_full()
    }

    /// Saves the items that are in no file; all of messages before the physical offset `end` have come.
    fn save_snapshot(&self, end: u64) -> Result<(), StoreError> {
        let count = self.gathered.lock().count();
        let mut snapshot = KeySnapshot::new(end, count);
        for begin in (0..count).step_by(ITEMS_PER_COPY) {
            let numbers = begin..count.min(begin + ITEMS_PER_COPY);
            let items = self.gathered.lock().copy(numbers);
            for item in &items {
                snapshot.put(item);
            }
        }
        snapshot.save(&*self.disk, &self.paths.key_snapshot())
    }

    /// Gathers the items again that were in no file when the mark moved up to the physical offset
    /// `trusted`. When the snapshot does not say which these are, the log is read for them later.
    fn load_snapshot(&self, trusted: u64, log_begin: u64) -> Result<(), StoreError> {
        let path = self.paths.key_snapshot();
        let mut items = match snapshot::load(&*self.disk, &path, trusted) {
            Ok(items) => items,
            Err(why) => {
                let from = self.linked_end()?.max(log_begin);
                if from < trusted {
                    let why = Cow::from(format!("`{}` cannot be used: {why}", path.display()));
                    self.gathered.lock().miss(from..trusted, why);
                }
                return Ok(());
            }
        };
        // Since it was saved some may have reached the files, by us or by Apache's broker.
        for file in self.files.read().iter().rev() {
            file.remove_found(&mut items)?;
        }
        for item in items {
            let taken = self.gathered.lock().take(item.offset, [item].into_iter());
            if taken == TakenItems::PieceFull {
                self.make_room();
            }
            let mut last = self.last.lock();
            if item.offset > last.1 {
                *last = (item.time_ms, item.offset);
            }
        }
        Ok(())
    }

    /// The physical offset before which the files have all items, whatever became of a piece that was
    /// being written when the store was last open.
    fn linked_end(&self) -> Result<u64, StoreError> {
        let piece = self.gathered.lock().piece_items();
        for file in self.files.read().iter().rev() {
            if let Some(offset) = file.offset_before(piece)? {
                return Ok(offset);
            }
        }
        Ok(0)
    }

    /// Writes full pieces when memory becomes scarce while the store is opened, where the log is not
    /// locked and the background does nothing yet.
    fn make_room(&self) {
        if self.gathered.lock().is_half_full()
            && let Err(error) = self.store_full()
        {
            tracing::warn!(%error, "the index cannot be written while the log is recovered");
        }
    }

    fn store_piece(&self, storing: &mut PieceProgress, piece: &KeyPiece) -> Result<(), StoreError> {
        loop {
            let items = piece.items().get(storing.done..).unwrap_or_default();
            if items.is_empty() {
                return Ok(());
            }
            if storing.added.is_none() {
                let file = self.file_with_room()?;
                storing.added = Some(file.add(items)?);
            }
            let newest = self.files.read().last().cloned();
            if let (Some(file), Some(added)) = (newest, &storing.added) {
                file.link(added)?;
                storing.done += added.count;
            }
            storing.added = None;
        }
    }

    /// The newest file, or a new one when that is full.
    fn file_with_room(&self) -> Result<Arc<IndexFile>, StoreError> {
        let newest = self.files.read().last().cloned();
        if let Some(file) = newest {
            if !file.is_full() {
                return Ok(file);
            }
            // Nobody comes back to it.
            file.sync()?;
        }
        let directory = self.paths.index();
        let created = self.disk.create_directories(&directory);
        created.map_err(at("create", &directory))?;
        let newest = self.files.read().last().cloned();
        let newest = newest.map(|file| file.path().to_owned());
        let path = directory.join(name_behind(newest.as_deref(), self.clock.now_ms()));
        let file = Arc::new(IndexFile::create(&*self.disk, path, self.sizes)?);
        self.files.write().push(Arc::clone(&file));
        Ok(file)
    }
}

impl Derived for KeyIndex {
    fn load(&self, trusted: u64, log: Range<u64>) -> Result<bool, StoreError> {
        let directory = self.paths.index();
        let mut names: Vec<String> = Vec::new();
        for entry in index_files(&*self.disk, &directory)? {
            if entry.length == file::size(self.sizes) {
                names.push(entry.name);
            } else {
                // Creating it was cut short; Apache's broker would refuse it.
                let path = directory.join(&entry.name);
                self.disk.remove(&path).map_err(at("remove", &path))?;
            }
        }
        names.sort_unstable();
        let opened = names.into_iter().map(|name| {
            IndexFile::open(&*self.disk, directory.join(name), self.sizes).map(Arc::new)
        });
        let files = opened.collect::<Result<Vec<_>, _>>()?;
        let last = files.last().map_or((0, 0), |file| file.last());
        *self.last.lock() = last;
        let behind_last = files.last().map_or(0, |_| last.1.saturating_add(1));
        // Behind `trusted` only some of what the last file counts may have reached the disk.
        self.in_files
            .store(behind_last.min(trusted), Ordering::Relaxed);
        *self.files.write() = files;
        if self.enabled && trusted != u64::MAX {
            self.load_snapshot(trusted, log.start)?;
        }
        // What it lacks is found by the walk for the queues, or is not worth one.
        Ok(true)
    }

    fn apply(&self, records: &[StoredRecord<'_>]) {
        if !self.enabled {
            return;
        }
        let in_files = self.in_files.load(Ordering::Relaxed);
        let is_new = |record: &&StoredRecord<'_>| {
            !record.is_replayed || record.position.physical_offset.0 >= in_files
        };
        let mut gathered = self.gathered.lock();
        let mut piece_full = false;
        for record in records.iter().filter(is_new) {
            let offset = record.position.physical_offset.0;
            piece_full |= gathered.take(offset, items_of(record)) == TakenItems::PieceFull;
            *self.last.lock() = (record.position.store_timestamp, offset);
        }
        drop(gathered);
        if piece_full {
            self.piece_full.notify_one();
            if records.iter().any(|record| record.is_replayed) {
                self.make_room();
            }
        }
    }

    fn store(&self, _visible: u64) -> Result<(), StoreError> {
        self.store_full()
    }

    fn sync(&self, end: u64) -> Result<(), StoreError> {
        if !self.enabled {
            return Ok(());
        }
        // No piece goes from memory into its file meanwhile: it would be in neither that is synced here.
        let _alone = self.storing.lock();
        let newest = self.files.read().last().cloned();
        newest.map_or(Ok(()), |file| file.sync())?;
        let dropped = self.dropped().map(|dropped| dropped.part.start);
        if let Some(offset) = dropped.filter(|offset| *offset < end) {
            let what = format!("keys of messages from the physical offset {offset} on are missing");
            let error = std::io::Error::other(what);
            return Err(at("complete", &self.paths.index())(error));
        }
        self.save_snapshot(end)
    }

    fn drop_before(&self, begin: u64) -> Result<(), StoreError> {
        let _alone = self.storing.lock();
        loop {
            let first = match self.files.read().as_slice() {
                [first, _, ..] if first.last().1 < begin => Arc::clone(first),
                _ => return Ok(()),
            };
            let removed = self.disk.remove(first.path());
            removed.map_err(at("remove", first.path()))?;
            self.files.write().remove(0);
        }
    }

    fn clear(&self) -> Result<(), StoreError> {
        let mut storing = self.storing.lock();
        *storing = PieceProgress::default();
        self.in_files.store(0, Ordering::Relaxed);
        self.files.write().clear();
        *self.gathered.lock() = GatheredKeys::new(self.sizes.in_memory);
        *self.last.lock() = (0, 0);
        let directory = self.paths.index();
        for entry in index_files(&*self.disk, &directory)? {
            let path = directory.join(&entry.name);
            self.disk.remove(&path).map_err(at("remove", &path))?;
        }
        Ok(())
    }
}

fn items_of<'a>(record: &'a StoredRecord<'_>) -> impl Iterator<Item = KeyItem> + use<'a> {
    let position = record.position;
    record.facts.key_hashes.iter().map(move |hash| KeyItem {
        hash: *hash,
        offset: position.physical_offset.0,
        time_ms: position.store_timestamp,
    })
}

/// The name of a file that is begun at `now_ms`. It sorts behind that of the newest file, also where the
/// clock was set back.
fn name_behind(newest: Option<&Path>, now_ms: i64) -> String {
    let name = time_name(now_ms);
    let newest = newest.and_then(|path| path.file_name()?.to_str());
    match newest {
        Some(newest) if *newest >= *name => match newest.parse::<u64>() {
            Ok(number) => format!("{:017}", number.saturating_add(1)),
            Err(_) => name,
        },
        _ => name,
    }
}

/// What in the directory is named as an index file is, after a time. Anything else is not ours.
fn index_files(disk: &dyn Disk, directory: &Path) -> Result<Vec<DirectoryEntry>, StoreError> {
    let mut entries = disk.list(directory).map_err(at("list", directory))?;
    let digits = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    entries.retain(|entry| entry.is_plain_file() && digits(&entry.name));
    Ok(entries)
}
