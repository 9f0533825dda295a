//! A disk that forgets what was not synced, and fails when a test tells it to.

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::memory::Content;
use super::{Disk, Entry, File, Lock, MemoryDisk, Space};

/// What a real disk writes at once or not at all.
const SECTOR: usize = 512;

/// Which calls fail from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Writes find no room.
    Full,
    /// Syncs fail.
    Sync,
    /// Reads of files that are open fail.
    Read,
}

/// A disk in memory that can lose its power and fail. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct FaultyDisk {
    memory: MemoryDisk,
    fault: Arc<Mutex<Option<Fault>>>,
}

impl FaultyDisk {
    /// Lets calls fail, or all succeed again.
    pub fn set_fault(&self, fault: Option<Fault>) {
        *self.fault.lock() = fault;
    }

    /// The disk as it is found after the power was cut: of what was not synced, each sector is there
    /// or not as `persisted` says.
    #[must_use]
    pub fn crash(&self, mut persisted: impl FnMut() -> bool) -> Self {
        let after = self.memory.contents().into_iter().map(|(path, content)| {
            let current = lose_power(content, &mut persisted);
            (path, current)
        });
        Self {
            memory: MemoryDisk::with_contents(after.collect()),
            fault: Arc::default(),
        }
    }

    /// Changes a file behind the store's back.
    #[cfg(test)]
    pub(crate) fn damage(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        self.memory.damage(path, change);
    }

    fn fails(&self, fault: Fault) -> bool {
        *self.fault.lock() == Some(fault)
    }
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

impl Disk for FaultyDisk {
    fn create_directories(&self, path: &Path) -> io::Result<()> {
        self.memory.create_directories(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        self.memory.list(path)
    }

    fn read(&self, path: &Path) -> io::Result<Option<Bytes>> {
        self.memory.read(path)
    }

    fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        if self.fails(Fault::Full) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.memory.replace(path, content)
    }

    fn create(&self, path: &Path, length: u64) -> io::Result<Box<dyn File>> {
        if self.fails(Fault::Full) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = self.memory.create(path, length)?;
        Ok(Box::new(FaultyFile {
            file,
            disk: self.clone(),
        }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        Ok(Box::new(FaultyFile {
            file: self.memory.open(path)?,
            disk: self.clone(),
        }))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.memory.remove(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        self.memory.lock(path)
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        self.memory.space(path)
    }
}

#[derive(Debug)]
struct FaultyFile {
    file: Box<dyn File>,
    disk: FaultyDisk,
}

impl File for FaultyFile {
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if self.disk.fails(Fault::Read) {
            return Err(io::Error::other("the disk cannot read"));
        }
        self.file.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, content: &[u8]) -> io::Result<()> {
        if self.disk.fails(Fault::Full) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_at(offset, content)
    }

    fn sync(&self) -> io::Result<()> {
        if self.disk.fails(Fault::Sync) {
            return Err(io::Error::other("the disk cannot sync"));
        }
        self.file.sync()
    }

    fn allocate(&self, offset: u64, length: u64) -> io::Result<()> {
        self.file.allocate(offset, length)
    }

    fn zero_from(&self, offset: u64) -> io::Result<()> {
        self.file.zero_from(offset)
    }
}
