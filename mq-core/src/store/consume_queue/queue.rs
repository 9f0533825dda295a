//! One queue: a run of entries, the older ones in files, the newest in memory.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::{Path, PathBuf};

use parking_lot::{Mutex, MutexGuard};

use super::entry::QueueEntry;
use crate::message::TopicName;
use crate::store::disk::{self, Disk, DiskWait, File};
use crate::store::error::{StoreError, at};
use crate::store::paths::{base_of, file_in};
use crate::store::schedule::{SCHEDULE_TOPIC, TIMER_TOPIC};

#[derive(Debug)]
pub(in crate::store) struct Queue {
    topic: TopicName,
    id: i32,
    directory: PathBuf,
    file_entries: u64,
    state: Mutex<QueueState>,
    /// Queue offsets whose messages were searched for in the log and are not there. Held during a
    /// search.
    lost: Mutex<Vec<Range<u64>>>,
}

/// What the files of a queue turned out to be.
#[derive(Debug)]
pub(super) struct Loaded {
    /// Files from which entries were taken.
    pub(super) cut: Vec<PathBuf>,
    /// No file is missing between others, and no entry is damaged that the end depends on.
    pub(super) whole: bool,
}

#[derive(Debug, Default)]
struct QueueState {
    /// Queue offset of the first entry that is still there.
    min: u64,
    /// Entries before this queue offset are in files.
    stored: u64,
    /// The queue offset with which the first file begins, once there is a file. Messages may expire
    /// before their entries are in files, so `min` does not tell which files were removed.
    first_file: Option<u64>,
    /// The entries from `stored` on.
    tail: VecDeque<QueueEntry>,
    /// Where the newest message lies; holes behind it say the same, so that a search by physical offset
    /// finds its way.
    last_offset: u64,
}

impl QueueState {
    /// Drops all entries; the next message gets the queue offset `next`.
    fn empty_at(&mut self, next: u64) {
        *self = Self {
            min: next,
            stored: next,
            first_file: self.first_file,
            ..Self::default()
        };
    }

    fn add_holes(&mut self, until: u64) {
        let hole = QueueEntry {
            offset: self.last_offset,
            ..QueueEntry::HOLE
        };
        while self.max() < until {
            self.tail.push_back(hole);
        }
    }

    fn reaches(&self, begin: u64) -> bool {
        self.last_offset >= begin && self.max() > 0
    }

    fn max(&self) -> u64 {
        self.stored + self.tail.len() as u64
    }
}

impl Queue {
    pub(super) fn new(topic: TopicName, id: i32, directory: PathBuf, file_entries: u64) -> Self {
        Self {
            topic,
            id,
            directory,
            file_entries,
            state: Mutex::default(),
            lost: Mutex::default(),
        }
    }

    /// Whether messages of this queue of this topic belong here.
    pub(in crate::store) fn is_of(&self, topic: &str, id: i32) -> bool {
        self.id == id && self.topic == topic
    }

    /// Whether its entries hold the time of delivery in place of a tag's hash.
    pub(in crate::store) fn has_due_times(&self) -> bool {
        self.topic == SCHEDULE_TOPIC || self.topic == TIMER_TOPIC
    }

    /// Whether an entry can be one of this queue, as far as it tells itself.
    pub(in crate::store) fn may_have(&self, entry: &QueueEntry) -> bool {
        entry.size > 0 && (self.has_due_times() || i32::try_from(entry.tag).is_ok())
    }

    /// Whether the message at the queue offset `index`, whose entry says so, is really gone: what comes
    /// before is too then.
    pub(in crate::store) fn is_gone(
        &self,
        disk: &dyn Disk,
        index: u64,
        begin: u64,
    ) -> Result<bool, StoreError> {
        let min = self.min();
        let before = index.checked_sub(1).filter(|before| *before >= min);
        let entry = match before {
            Some(before) => self.read(disk, before, 1)?.first().copied(),
            None => None,
        };
        Ok(entry.is_none_or(|entry| entry.offset < begin))
    }

    /// Queue offsets whose messages the log does not have.
    pub(in crate::store) fn lost(&self) -> MutexGuard<'_, Vec<Range<u64>>> {
        self.lost.lock()
    }

    pub(super) fn is_below(&self, directory: &Path) -> bool {
        self.directory.starts_with(directory)
    }

    pub(in crate::store) fn min(&self) -> u64 {
        self.state.lock().min
    }

    /// The queue offset that the next message gets.
    pub(in crate::store) fn next(&self) -> u64 {
        self.state.lock().max()
    }

    /// The queue offset behind the last message that ends before `visible`.
    pub(in crate::store) fn visible_max(&self, visible: u64) -> u64 {
        let state = self.state.lock();
        let hidden = state
            .tail
            .iter()
            .rev()
            .take_while(|entry| entry.end() > visible)
            .count();
        state.max() - hidden as u64
    }

    /// Whether its newest message lies at `begin` or behind.
    pub(in crate::store) fn reaches(&self, begin: u64) -> bool {
        self.state.lock().reaches(begin)
    }

    /// Makes `next` the least queue offset that the next message can get: the messages before it have
    /// expired, or were never acknowledged. Says whether entries were added that are in no file.
    pub(super) fn advance_to(&self, next: u64, begin: u64) -> bool {
        let mut state = self.state.lock();
        if state.max() >= next {
            return false;
        }
        if state.reaches(begin) {
            let was_clean = state.tail.is_empty();
            state.add_holes(next);
            was_clean
        } else {
            state.empty_at(next);
            false
        }
    }

    /// Adds an entry; says whether it is the first that is in no file.
    pub(super) fn put(&self, index: u64, entry: QueueEntry) -> bool {
        let mut state = self.state.lock();
        if state.max() == 0 && index > 0 {
            state.empty_at(index);
        }
        if index < state.max() {
            return false;
        }
        let was_clean = state.tail.is_empty();
        state.add_holes(index);
        state.last_offset = entry.offset;
        state.tail.push_back(entry);
        was_clean
    }

    /// Where the message of an entry lies that is in memory still; `None` when it is in a file.
    pub(in crate::store) fn offset_in_memory(&self, index: u64) -> Option<u64> {
        let state = self.state.lock();
        let skip = usize::try_from(index.checked_sub(state.stored)?).ok()?;
        state.tail.get(skip).map(|entry| entry.offset)
    }

    /// The entries from `index` on, at most `count`, not beyond the end of a file when they are read
    /// from one.
    pub(in crate::store) fn read(
        &self,
        disk: &dyn Disk,
        index: u64,
        count: usize,
    ) -> Result<Vec<QueueEntry>, StoreError> {
        self.read_within(disk, index, count, DiskWait::Allowed)
    }

    /// The same; none when the disk would have to be waited for and may not.
    pub(in crate::store) fn read_within(
        &self,
        disk: &dyn Disk,
        index: u64,
        count: usize,
        wait: DiskWait,
    ) -> Result<Vec<QueueEntry>, StoreError> {
        let in_file = {
            let state = self.state.lock();
            match index.checked_sub(state.stored) {
                Some(skip) => {
                    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
                    return Ok(state.tail.iter().skip(skip).take(count).copied().collect());
                }
                None => state.stored - index,
            }
        };
        let to_file_end = self.file_entries - index % self.file_entries;
        let count = (count as u64).min(in_file).min(to_file_end);
        self.read_file(disk, index, count, wait)
    }

    fn read_file(
        &self,
        disk: &dyn Disk,
        index: u64,
        count: u64,
        wait: DiskWait,
    ) -> Result<Vec<QueueEntry>, StoreError> {
        let (path, inside) = self.file_of(index);
        let length = usize::try_from(count * QueueEntry::SIZE).unwrap_or(0);
        let mut bytes = vec![0; length];
        let file = match disk.open(&path) {
            Ok(file) => file,
            // Retention was faster.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && index < self.min() => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(at("open", &path)(error)),
        };
        let read = wait.read(&*file, inside, &mut bytes);
        if !read.map_err(at("read", &path))? {
            return Ok(Vec::new());
        }
        let size = usize::try_from(QueueEntry::SIZE).unwrap_or(1);
        Ok(bytes
            .chunks(size)
            .map(|chunk| QueueEntry::read(chunk).unwrap_or(QueueEntry::UNWRITTEN))
            .collect())
    }

    /// The file of an entry and where in it the entry lies.
    pub(in crate::store) fn file_of(&self, index: u64) -> (PathBuf, u64) {
        let inside = index % self.file_entries;
        let path = file_in(&self.directory, (index - inside) * QueueEntry::SIZE);
        (path, inside * QueueEntry::SIZE)
    }

    /// Writes entries of messages that end before `visible`; says whether some are left. The files
    /// are added to `written`.
    pub(super) fn store(
        &self,
        disk: &dyn Disk,
        visible: u64,
        written: &mut Vec<PathBuf>,
    ) -> Result<bool, StoreError> {
        loop {
            let (index, block) = {
                let state = self.state.lock();
                let room = self.file_entries - state.stored % self.file_entries;
                let room = usize::try_from(room).unwrap_or(usize::MAX);
                let ready = state.tail.iter().take_while(|entry| entry.end() <= visible);
                let block: Vec<QueueEntry> = ready.take(room).copied().collect();
                if block.is_empty() {
                    return Ok(!state.tail.is_empty());
                }
                (state.stored, block)
            };
            written.push(self.write_block(disk, index, &block)?);
            let mut state = self.state.lock();
            state
                .first_file
                .get_or_insert(index - index % self.file_entries);
            // Nobody else stores; a deleted queue is stored into no more.
            state.stored += block.len() as u64;
            state.tail.drain(..block.len());
        }
    }

    /// Replaces an entry that is there; gives the file, if it is in one.
    pub(super) fn rewrite(
        &self,
        disk: &dyn Disk,
        index: u64,
        entry: QueueEntry,
    ) -> Result<Option<PathBuf>, StoreError> {
        {
            let mut state = self.state.lock();
            if let Some(skip) = index.checked_sub(state.stored) {
                let skip = usize::try_from(skip).unwrap_or(usize::MAX);
                if let Some(old) = state.tail.get_mut(skip) {
                    *old = entry;
                }
                return Ok(None);
            }
        }
        let (path, inside) = self.file_of(index);
        let mut bytes = Vec::new();
        entry.write(&mut bytes);
        let file = disk.open(&path).map_err(at("open", &path))?;
        file.write_at(inside, &bytes).map_err(at("write", &path))?;
        Ok(Some(path))
    }

    fn write_block(
        &self,
        disk: &dyn Disk,
        index: u64,
        block: &[QueueEntry],
    ) -> Result<PathBuf, StoreError> {
        let (path, inside) = self.file_of(index);
        let file = match disk.open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                disk.create_directories(&self.directory)
                    .map_err(at("create", &self.directory))?;
                let length = self.file_entries * QueueEntry::SIZE;
                disk.create(&path, length).map_err(at("create", &path))?
            }
            Err(error) => return Err(at("open", &path)(error)),
        };
        // A queue that begins inside a file marks what is before as no message. The file may be
        // there without those marks, when the disk was full or the power went.
        let empty = empty_before(&*file, inside).map_err(at("read", &path))?;
        let holes = std::iter::repeat_n(&QueueEntry::HOLE, usize::try_from(empty).unwrap_or(0));
        let mut bytes = Vec::with_capacity((holes.len() + block.len()) * 20);
        for entry in holes.chain(block) {
            entry.write(&mut bytes);
        }
        let from = inside - empty * QueueEntry::SIZE;
        file.write_at(from, &bytes).map_err(at("write", &path))?;
        Ok(path)
    }

    /// Finds out what the files hold; only entries of messages before `trusted` count, others are
    /// taken from them.
    pub(super) fn load(
        &self,
        disk: &dyn Disk,
        trusted: u64,
        limit: u64,
    ) -> Result<Loaded, StoreError> {
        let mut bases = Vec::new();
        let found = disk.list(&self.directory);
        let found = found.map_err(at("list", &self.directory))?;
        for file in found
            .into_iter()
            .filter(disk::DirectoryEntry::is_plain_file)
        {
            let path = self.directory.join(&file.name);
            let length = self.file_entries * QueueEntry::SIZE;
            let base = base_of(&file.name).filter(|base| base % length == 0);
            let Some(base) = base else {
                let reason = "its name is no offset of a queue file".to_owned();
                return Err(StoreError::Foreign { path, reason });
            };
            if file.length != length {
                // Creating it was cut short: nothing in it was relied on.
                disk.remove(&path).map_err(at("remove", &path))?;
                continue;
            }
            bases.push(base / QueueEntry::SIZE);
        }
        bases.sort_unstable();
        let mut cut = Vec::new();
        let next = |base: &u64| base + self.file_entries;
        let mut whole = bases
            .iter()
            .skip(1)
            .copied()
            .eq(bases.iter().take(bases.len().saturating_sub(1)).map(next));
        let Some(first) = bases.first().copied() else {
            return Ok(Loaded { cut, whole });
        };
        let (mut max, mut last_offset) = (first, 0);
        for base in bases.into_iter().rev() {
            let counted = self.count(disk, base, trusted)?;
            // The entry behind the trusted ones is of a later message, and so are those behind it.
            let next = self.entry_in(disk, base, counted)?;
            let is_later = next.is_none_or(|entry| entry.offset < limit);
            let behind = self.entry_in(disk, base, counted + 1)?;
            whole &= is_later && !behind.is_some_and(|entry| entry.is_before(trusted));
            if trusted != u64::MAX && counted < self.file_entries {
                // Those messages did not survive, and others will get their queue offsets.
                let path = file_in(&self.directory, base * QueueEntry::SIZE);
                let file = disk.open(&path).map_err(at("open", &path))?;
                let behind = self.file_entries - counted;
                file.zero(counted * QueueEntry::SIZE, behind * QueueEntry::SIZE)
                    .map_err(at("cut", &path))?;
                cut.push(path);
            }
            if counted > 0 {
                max = base + counted;
                let last = self
                    .read_file(disk, max - 1, 1, DiskWait::Allowed)?
                    .first()
                    .copied();
                last_offset = last.map_or(0, |entry| entry.offset);
                break;
            }
        }
        let mut state = self.state.lock();
        *state = QueueState {
            min: first,
            stored: max,
            first_file: Some(first),
            last_offset,
            ..QueueState::default()
        };
        drop(state);
        Ok(Loaded { cut, whole })
    }

    /// How many entries of the file that begins with the entry `base` are written and belong to
    /// messages before `trusted`; they are the first ones.
    fn count(&self, disk: &dyn Disk, base: u64, trusted: u64) -> Result<u64, StoreError> {
        let (mut low, mut high) = (0, self.file_entries);
        while low < high {
            let middle = low + (high - low) / 2;
            let entry = self.entry_in(disk, base, middle)?;
            if entry.is_some_and(|entry| entry.is_before(trusted)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// The entry `inside` a file, if it is written.
    fn entry_in(
        &self,
        disk: &dyn Disk,
        base: u64,
        inside: u64,
    ) -> Result<Option<QueueEntry>, StoreError> {
        if inside >= self.file_entries {
            return Ok(None);
        }
        let entry = self
            .read_file(disk, base + inside, 1, DiskWait::Allowed)?
            .first()
            .copied();
        Ok(entry.filter(|entry| *entry != QueueEntry::UNWRITTEN))
    }

    /// The queue offset of the first message that lies at the physical offset `begin` or behind.
    pub(in crate::store) fn first_from(
        &self,
        disk: &dyn Disk,
        begin: u64,
    ) -> Result<u64, StoreError> {
        let (old, max) = {
            let state = self.state.lock();
            (state.min, state.max())
        };
        let gone = |index: u64| -> Result<bool, StoreError> {
            let entry = self.read(disk, index, 1)?.first().copied();
            Ok(entry.is_some_and(|entry| entry.offset < begin))
        };
        let (mut low, mut high) = (old, max);
        loop {
            while low < high {
                let middle = low + (high - low) / 2;
                if gone(middle)? {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            // Whatever is before a message that is gone is gone too, unless its entry is damaged.
            match low.checked_sub(2).filter(|before| *before >= old) {
                Some(before) if !gone(before)? => (low, high) = (old, before),
                _ => return Ok(low),
            }
        }
    }

    /// Moves the beginning to the first message that lies at `begin` or behind.
    pub(super) fn drop_before(&self, disk: &dyn Disk, begin: u64) -> Result<(), StoreError> {
        let low = self.first_from(disk, begin)?;
        self.state.lock().min = low;
        while let Some(base) = self.first_file_before(low) {
            let path = file_in(&self.directory, base * QueueEntry::SIZE);
            disk.remove(&path).map_err(at("remove", &path))?;
            self.state.lock().first_file = Some(base + self.file_entries);
        }
        Ok(())
    }

    /// The first file, if all its entries are stored and lie before `low`.
    fn first_file_before(&self, low: u64) -> Option<u64> {
        let state = self.state.lock();
        let is_over = |base: &u64| base + self.file_entries <= low.min(state.stored);
        state.first_file.filter(is_over)
    }
}

/// How many entries right in front of the place `inside` a file were never written.
fn empty_before(file: &dyn File, inside: u64) -> std::io::Result<u64> {
    let size = usize::try_from(QueueEntry::SIZE).map_err(std::io::Error::other)?;
    let mut last = [0; 20];
    let Some(before) = inside.checked_sub(QueueEntry::SIZE) else {
        return Ok(0);
    };
    file.read_at(before, &mut last)?;
    if QueueEntry::read(&last).is_some() {
        return Ok(0);
    }
    let mut bytes = vec![0; usize::try_from(inside).map_err(std::io::Error::other)?];
    file.read_at(0, &mut bytes)?;
    let empty = bytes
        .rchunks(size)
        .take_while(|entry| QueueEntry::read(entry).is_none());
    Ok(empty.count() as u64)
}
