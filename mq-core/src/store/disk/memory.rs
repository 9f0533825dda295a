//! A disk in memory: for tests, and for brokers that are to leave nothing behind.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::traits::{DirectoryEntry, Disk, File, Lock, Space};
use crate::saved_file::SmallFiles;

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    tree: Arc<Mutex<Tree>>,
}

#[derive(Debug, Default)]
struct Tree {
    files: BTreeMap<PathBuf, Arc<Mutex<Content>>>,
    locked: BTreeSet<PathBuf>,
}

/// What a file holds, and which writes a loss of power would take back.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) current: Vec<u8>,
    /// Writes since the last sync, with what lay there before.
    pub(super) unsynced: Vec<(usize, Vec<u8>)>,
}

impl MemoryDisk {
    /// Every file with its content.
    pub(super) fn contents(&self) -> Vec<(PathBuf, Content)> {
        let tree = self.tree.lock();
        tree.files
            .iter()
            .map(|(path, file)| (path.clone(), file.lock().clone()))
            .collect()
    }

    /// One file's content.
    pub(super) fn content(&self, path: &Path) -> Option<Content> {
        Some(self.find(path).ok()?.lock().clone())
    }

    pub(super) fn with_contents(contents: impl IntoIterator<Item = (PathBuf, Content)>) -> Self {
        let disk = Self::default();
        let files = contents.into_iter();
        disk.tree.lock().files = files
            .map(|(path, content)| (path, Arc::new(Mutex::new(content))))
            .collect();
        disk
    }

    /// Removes one file behind the store's back.
    #[cfg(test)]
    pub(crate) fn damage(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let file = self.find(path).expect("the file is there");
        change(&mut file.lock().current);
    }

    fn put(&self, path: &Path, current: Vec<u8>) -> Arc<Mutex<Content>> {
        let content = Arc::new(Mutex::new(Content {
            current,
            unsynced: Vec::new(),
        }));
        self.tree
            .lock()
            .files
            .insert(path.to_owned(), Arc::clone(&content));
        content
    }

    fn find(&self, path: &Path) -> io::Result<Arc<Mutex<Content>>> {
        let found = self.tree.lock().files.get(path).cloned();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl SmallFiles for MemoryDisk {
    fn create_directories(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn read(&self, path: &Path) -> io::Result<Option<Bytes>> {
        Ok(self
            .find(path)
            .ok()
            .map(|file| file.lock().current.clone().into()))
    }

    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.put(path, content.to_vec());
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut tree = self.tree.lock();
        let content = tree.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        tree.files.insert(to.to_owned(), content);
        Ok(())
    }

    fn sync_directory(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }
}

impl Disk for MemoryDisk {
    fn list(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        let tree = self.tree.lock();
        let mut entries: BTreeMap<String, DirectoryEntry> = BTreeMap::new();
        for (file, content) in &tree.files {
            let Ok(below) = file.strip_prefix(path) else {
                continue;
            };
            let mut parts = below.components();
            let Some(first) = parts.next() else { continue };
            let name = first.as_os_str().to_string_lossy().into_owned();
            let directory = parts.next().is_some();
            let length = if directory {
                0
            } else {
                content.lock().current.len() as u64
            };
            let entry = DirectoryEntry {
                name: name.clone(),
                directory,
                length,
                modified_ms: 0,
            };
            entries.insert(name, entry);
        }
        Ok(entries.into_values().collect())
    }

    fn create(&self, path: &Path, length: u64) -> io::Result<Box<dyn File>> {
        if self.find(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let length = usize::try_from(length).map_err(io::Error::other)?;
        Ok(Box::new(MemoryFile {
            content: self.put(path, vec![0; length]),
        }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        Ok(Box::new(MemoryFile {
            content: self.find(path)?,
        }))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.tree
            .lock()
            .files
            .retain(|file, _| !file.starts_with(path));
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        if !self.tree.lock().locked.insert(path.to_owned()) {
            return Ok(None);
        }
        Ok(Some(Box::new(MemoryLock {
            disk: self.clone(),
            path: path.to_owned(),
        })))
    }

    fn is_memory(&self) -> bool {
        true
    }

    fn boot_id(&self) -> Option<String> {
        Some("the memory of this process".to_owned())
    }

    fn space(&self, _path: &Path) -> io::Result<Space> {
        Ok(Space {
            total: u64::MAX,
            free: u64::MAX,
        })
    }
}

#[derive(Debug)]
struct MemoryLock {
    disk: MemoryDisk,
    path: PathBuf,
}

impl Lock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.disk.tree.lock().locked.remove(&self.path);
    }
}

#[derive(Debug)]
struct MemoryFile {
    content: Arc<Mutex<Content>>,
}

impl File for MemoryFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.content.lock().current.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let content = self.content.lock();
        let range = range(offset, buffer.len())?;
        let there = content
            .current
            .get(range)
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(there);
        Ok(())
    }

    fn next_hole(&self, offset: u64) -> Range<u64> {
        let content = &self.content.lock().current;
        let written = content.iter().rposition(|byte| *byte != 0);
        let begin = written.map_or(0, |last| last as u64 + 1);
        begin.max(offset)..content.len() as u64
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut content = self.content.lock();
        let range = range(offset, bytes.len())?;
        let start = range.start;
        let there = content
            .current
            .get_mut(range)
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        let before = there.to_vec();
        there.copy_from_slice(bytes);
        content.unsynced.push((start, before));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.content.lock().unsynced.clear();
        Ok(())
    }

    fn allocate(&self, _offset: u64, _length: u64) -> io::Result<()> {
        Ok(())
    }

    fn zero(&self, offset: u64, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        self.write_at(offset, &vec![0; length])
    }

    fn lengthen(&self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        self.content.lock().current.resize(length, 0);
        Ok(())
    }
}

fn range(offset: u64, length: usize) -> io::Result<Range<usize>> {
    let start = usize::try_from(offset).map_err(io::Error::other)?;
    let end = start
        .checked_add(length)
        .ok_or(io::ErrorKind::InvalidInput)?;
    Ok(start..end)
}
