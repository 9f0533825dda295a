//! A disk that forgets what was not synced, and fails when a test tells it to.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use super::memory::{Content, MemoryDisk};
use super::traits::{DirectoryEntry, Disk, File, Lock, Space};
use crate::saved_file::SmallFiles;

/// What a real disk writes at once or not at all.
const SECTOR: usize = 512;

/// Which calls fail from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Writes find no room.
    Full,
    /// So many writes find room, the next do not.
    FullAfter(u64),
    /// Writes of files below a directory find no room.
    FullBelow(&'static str),
    /// Writes of files that are open find room for half of what they bring.
    FullMidway,
    /// No file can be created: too many are open.
    Create,
    /// Syncs fail.
    Sync,
    /// Syncs wait until the fault is taken back.
    SlowSync,
    /// Reads of files that are open fail.
    Read,
    /// [`Disk::space`] says that the file system is so many percent full.
    Used(u8),
}

/// A disk in memory that can lose its power and fail. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct FaultyDisk {
    memory: MemoryDisk,
    fault: Arc<Mutex<Option<Fault>>>,
    power: Arc<Mutex<Power>>,
    /// Renames that a loss of power may undo, oldest first.
    renames: Arc<Mutex<Vec<Rename>>>,
    slow: Arc<AtomicUsize>,
    reads: Arc<AtomicUsize>,
    /// Whether files are in the page cache.
    cached: Arc<AtomicBool>,
    /// Called where a disk takes long: creating, allocating, syncing a directory.
    slow_call: Arc<Mutex<Option<SlowCall>>>,
    /// Called where a file that is open is read.
    slow_read: Arc<Mutex<Option<SlowCall>>>,
    /// Called where a file that is open is written.
    slow_write: Arc<Mutex<Option<SlowCall>>>,
    /// How often the power was cut.
    boot: u64,
}

/// What a test does during a call that takes long.
#[derive(Clone)]
struct SlowCall(Arc<dyn Fn() + Send + Sync>);

impl fmt::Debug for SlowCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SlowCall")
    }
}

#[derive(Debug, Default)]
struct Power {
    /// Changes so far.
    changes: u64,
    /// The change during which the power goes.
    last: Option<u64>,
}

/// A rename in a directory that was not synced since.
#[derive(Clone, Debug)]
struct Rename {
    from: PathBuf,
    to: PathBuf,
    /// The file that bore the name `to` before.
    replaced: Option<Content>,
}

/// What becomes of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Whole,
    /// The power goes in the middle of it.
    CutShort,
}

impl FaultyDisk {
    /// Lets `changes` more calls change something whole; the next is cut short, and nothing is
    /// changed after it. [`FaultyDisk::crash`] gives the disk with power again.
    pub fn cut_power_after(&self, changes: u64) {
        let mut power = self.power.lock();
        power.last = Some(power.changes.saturating_add(changes));
    }

    /// Whether a change can still be made.
    pub fn has_power(&self) -> bool {
        let power = self.power.lock();
        power.last.is_none_or(|last| power.changes <= last)
    }

    /// How many calls have changed something.
    pub fn changes(&self) -> u64 {
        self.power.lock().changes
    }

    /// How many calls have read from a file that was open.
    pub fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }

    /// Whether [`File::read_cached_at`] finds everything from now on, or nothing, as at first.
    pub fn set_cached(&self, cached: bool) {
        self.cached.store(cached, Ordering::Relaxed);
    }

    /// Counts a change.
    fn change(&self) -> io::Result<Change> {
        let mut power = self.power.lock();
        let now = power.changes;
        if power.last.is_some_and(|last| now > last) {
            return Err(no_power());
        }
        power.changes += 1;
        Ok(match power.last {
            Some(last) if now == last => Change::CutShort,
            _ => Change::Whole,
        })
    }

    /// Calls `during` from now on, on the caller's thread, whenever a file is created, blocks are
    /// allocated or a directory is synced.
    pub fn set_slow_call(&self, during: impl Fn() + Send + Sync + 'static) {
        *self.slow_call.lock() = Some(SlowCall(Arc::new(during)));
    }

    /// Calls `during` from now on, on the caller's thread, before a file that is open is read.
    pub fn set_slow_read(&self, during: impl Fn() + Send + Sync + 'static) {
        *self.slow_read.lock() = Some(SlowCall(Arc::new(during)));
    }

    /// Calls `during` from now on, on the caller's thread, before a file that is open is written.
    pub fn set_slow_write(&self, during: impl Fn() + Send + Sync + 'static) {
        *self.slow_write.lock() = Some(SlowCall(Arc::new(during)));
    }

    fn take_long(&self) {
        call(&self.slow_call);
    }

    /// Lets calls fail, or all succeed again.
    pub fn set_fault(&self, fault: Option<Fault>) {
        *self.fault.lock() = fault;
    }

    /// The disk as it is found after the power was cut: of what was not synced, each rename and each
    /// sector is there or not as `persisted` says.
    #[must_use]
    pub fn crash(&self, mut persisted: impl FnMut() -> bool) -> Self {
        let mut files: BTreeMap<_, _> = self.memory.contents().into_iter().collect();
        let renames = self.renames.lock().clone();
        for rename in renames.iter().rev() {
            let content = files.remove(&rename.to);
            files.extend(content.map(|content| (rename.from.clone(), content)));
            let replaced = rename.replaced.clone();
            files.extend(replaced.map(|content| (rename.to.clone(), content)));
        }
        for rename in renames {
            if persisted() {
                let content = files.remove(&rename.from);
                files.extend(content.map(|content| (rename.to, content)));
            }
        }
        let after = files.into_iter().map(|(path, content)| {
            let content = Content {
                current: lose_power(content, &mut persisted),
                unsynced: Vec::new(),
            };
            (path, content)
        });
        Self {
            memory: MemoryDisk::with_contents(after),
            boot: self.boot + 1,
            ..Self::default()
        }
    }

    /// The disk as it is found after the process was killed and the machine was not: all that was
    /// written is there, and the next loss of power may still take what was not synced.
    #[must_use]
    pub fn kill(&self) -> Self {
        Self {
            memory: MemoryDisk::with_contents(self.memory.contents()),
            renames: Arc::new(Mutex::new(self.renames.lock().clone())),
            boot: self.boot,
            ..Self::default()
        }
    }

    /// How many syncs wait for the end of [`Fault::SlowSync`].
    pub fn slow_syncs(&self) -> usize {
        self.slow.load(Ordering::SeqCst)
    }

    /// Changes a file behind the store's back.
    #[cfg(test)]
    pub(crate) fn damage(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        self.memory.damage(path, change);
    }

    /// Whether the next write of the file `path` finds no room.
    fn is_full(&self, path: &Path) -> bool {
        match &mut *self.fault.lock() {
            Some(Fault::FullBelow(directory)) => path.starts_with(directory),
            Some(Fault::Full | Fault::FullAfter(0)) => true,
            Some(Fault::FullAfter(left)) => {
                *left -= 1;
                false
            }
            _ => false,
        }
    }

    fn fails(&self, fault: Fault) -> bool {
        *self.fault.lock() == Some(fault)
    }
}

/// Calls it outside the lock, because it may take until another call has come.
fn call(slow: &Mutex<Option<SlowCall>>) {
    let slow = slow.lock().clone();
    if let Some(SlowCall(during)) = slow {
        during();
    }
}

fn no_power() -> io::Error {
    io::Error::other("the power is off")
}

/// Takes unsynced writes back, newest first, sector by sector.
fn lose_power(content: Content, persisted: &mut impl FnMut() -> bool) -> Vec<u8> {
    let Content {
        mut current,
        unsynced,
    } = content;
    let sectors = current.len() / SECTOR + 1;
    let mut kept: Vec<Option<bool>> = vec![None; sectors];
    for (start, before) in unsynced.into_iter().rev() {
        for (at, old) in (start..).zip(before) {
            let Some(keep) = kept.get_mut(at / SECTOR) else {
                continue;
            };
            let lost = !*keep.get_or_insert_with(&mut *persisted);
            if let Some(byte) = current.get_mut(at).filter(|_| lost) {
                *byte = old;
            }
        }
    }
    current
}

impl SmallFiles for FaultyDisk {
    fn create_directories(&self, path: &Path) -> io::Result<()> {
        self.memory.create_directories(path)
    }

    fn read(&self, path: &Path) -> io::Result<Option<Bytes>> {
        self.memory.read(path)
    }

    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        if self.is_full(path) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        match self.change()? {
            Change::Whole => self.memory.write(path, content),
            Change::CutShort => {
                let half = content.get(..content.len() / 2).unwrap_or_default();
                self.memory.write(path, half)?;
                Err(no_power())
            }
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.change()? == Change::CutShort {
            return Err(no_power());
        }
        let replaced = self.memory.content(to);
        self.memory.rename(from, to)?;
        self.renames.lock().push(Rename {
            from: from.to_owned(),
            to: to.to_owned(),
            replaced,
        });
        Ok(())
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.take_long();
        if self.change()? == Change::CutShort {
            return Err(no_power());
        }
        let mut renames = self.renames.lock();
        renames.retain(|rename| rename.to.parent() != Some(path));
        Ok(())
    }
}

impl Disk for FaultyDisk {
    fn list(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        self.memory.list(path)
    }

    fn create(&self, path: &Path, length: u64) -> io::Result<Box<dyn File>> {
        self.take_long();
        if self.is_full(path) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if self.fails(Fault::Create) {
            return Err(io::Error::other("too many open files"));
        }
        let change = self.change()?;
        if change == Change::CutShort {
            // The name is there, the length is not.
            self.memory.create(path, 0)?;
            return Err(no_power());
        }
        let file = self.memory.create(path, length)?;
        Ok(Box::new(FaultyFile {
            path: path.to_owned(),
            file,
            disk: self.clone(),
        }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        Ok(Box::new(FaultyFile {
            path: path.to_owned(),
            file: self.memory.open(path)?,
            disk: self.clone(),
        }))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match self.change()? {
            Change::Whole => self.memory.remove(path),
            Change::CutShort => {
                // Of a directory, some files are gone.
                let below = self.memory.contents().into_iter();
                let below = below.filter(|(file, _)| file != path && file.starts_with(path));
                for (file, _) in below.step_by(2) {
                    self.memory.remove(&file)?;
                }
                Err(no_power())
            }
        }
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        self.memory.lock(path)
    }

    fn boot_id(&self) -> Option<String> {
        Some(self.boot.to_string())
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        match *self.fault.lock() {
            Some(Fault::Used(percent)) => Ok(Space {
                total: 100,
                free: 100_u64.saturating_sub(percent.into()),
            }),
            _ => self.memory.space(path),
        }
    }
}

#[derive(Debug)]
struct FaultyFile {
    path: PathBuf,
    file: Box<dyn File>,
    disk: FaultyDisk,
}

impl File for FaultyFile {
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        call(&self.disk.slow_read);
        if self.disk.fails(Fault::Read) {
            return Err(io::Error::other("the disk cannot read"));
        }
        self.disk.reads.fetch_add(1, Ordering::Relaxed);
        self.file.read_at(offset, buffer)
    }

    fn read_cached_at(&self, offset: u64, buffer: &mut [u8]) -> bool {
        self.disk.cached.load(Ordering::Relaxed) && self.read_at(offset, buffer).is_ok()
    }

    fn next_hole(&self, offset: u64) -> Range<u64> {
        self.file.next_hole(offset)
    }

    fn write_at(&self, offset: u64, content: &[u8]) -> io::Result<()> {
        call(&self.disk.slow_write);
        if self.disk.is_full(&self.path) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let half = content.get(..content.len() / 2).unwrap_or_default();
        match self.disk.change()? {
            Change::Whole if self.disk.fails(Fault::FullMidway) => {
                self.file.write_at(offset, half)?;
                Err(io::ErrorKind::StorageFull.into())
            }
            Change::Whole => self.file.write_at(offset, content),
            Change::CutShort => {
                self.file.write_at(offset, half)?;
                Err(no_power())
            }
        }
    }

    fn sync(&self) -> io::Result<()> {
        if self.disk.fails(Fault::Sync) {
            return Err(io::Error::other("the disk cannot sync"));
        }
        self.disk.slow.fetch_add(1, Ordering::SeqCst);
        while self.disk.fails(Fault::SlowSync) {
            thread::sleep(Duration::from_millis(1));
        }
        self.disk.slow.fetch_sub(1, Ordering::SeqCst);
        match self.disk.change()? {
            Change::Whole => self.file.sync(),
            Change::CutShort => Err(no_power()),
        }
    }

    fn allocate(&self, offset: u64, length: u64) -> io::Result<()> {
        self.disk.take_long();
        if self.disk.is_full(&self.path) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.allocate(offset, length)
    }

    fn zero(&self, offset: u64, length: u64) -> io::Result<()> {
        match self.disk.change()? {
            Change::Whole => self.file.zero(offset, length),
            Change::CutShort => Err(no_power()),
        }
    }

    fn lengthen(&self, length: u64) -> io::Result<()> {
        if self.disk.is_full(&self.path) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        match self.disk.change()? {
            Change::Whole => self.file.lengthen(length),
            Change::CutShort => Err(no_power()),
        }
    }
}
