//! A file of `config/`: JSON, written whole.
//!
//! Invariant: an older content never takes the place of a newer one. Changes that arrive while the
//! file is being written share the next write.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::store::disk::Disk;
use crate::wire::fastjson::{self, BodyError};

/// Why a file of `config/` could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The disk refused.
    #[error("could not {action} `{}`: {source}", path.display())]
    Disk {
        /// What was tried.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is not what it should be, and there is no `.bak` beside it.
    #[error("`{}` cannot be read, repair it or put a copy in its place: {source}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// Where it is broken.
        source: BodyError,
    },
}

/// One file of `config/`.
#[derive(Debug)]
pub(super) struct SavedFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    /// Changes so far.
    changes: AtomicU64,
    /// The changes that are on disk; held by whoever writes.
    written: Arc<tokio::sync::Mutex<u64>>,
}

impl SavedFile {
    /// The file `name` of the store at `root`.
    pub(super) fn new(disk: &Arc<dyn Disk>, root: &Path, name: &str) -> Self {
        Self {
            disk: Arc::clone(disk),
            path: root.join("config").join(name),
            changes: AtomicU64::new(0),
            written: Arc::default(),
        }
    }

    /// What the file holds; its `.bak` when it is missing, empty or broken, and the default when
    /// that is missing too.
    pub(super) fn read<T: DeserializeOwned + Default>(&self) -> Result<T, FileError> {
        let mut backup = self.path.clone().into_os_string();
        backup.push(".bak");
        let mut broken = None;
        for path in [self.path.clone(), backup.into()] {
            let content = self.disk.read(&path).map_err(self.refused("read"))?;
            let Some(content) = content.filter(|content| !content.is_empty()) else {
                continue;
            };
            match fastjson::read(&content) {
                Ok(value) => return Ok(value),
                Err(source) => {
                    broken.get_or_insert(FileError::Content { path, source });
                }
            }
        }
        broken.map_or_else(|| Ok(T::default()), Err)
    }

    /// Puts `content` on disk, which is asked for after this call: it may cover later changes too.
    pub(super) async fn save(&self, content: impl FnOnce() -> Bytes) -> Result<(), FileError> {
        let change = self.changes.fetch_add(1, Ordering::AcqRel) + 1;
        let mut written = Arc::clone(&self.written).lock_owned().await;
        if *written >= change {
            return Ok(());
        }
        let covered = self.changes.load(Ordering::Acquire);
        let content = content();
        let (disk, path) = (Arc::clone(&self.disk), self.path.clone());
        // The turn goes along, so that giving up waiting does not let somebody else overtake.
        let writing = tokio::task::spawn_blocking(move || {
            let outcome = disk.replace(&path, &content);
            if outcome.is_ok() {
                *written = covered;
            }
            outcome
        });
        let outcome = writing
            .await
            .unwrap_or_else(|panic| Err(io::Error::other(panic)));
        outcome.map_err(self.refused("write"))
    }

    /// The same at once, for whoever starts or stops the broker.
    pub(super) fn save_now(&self, content: &[u8]) -> Result<(), FileError> {
        self.disk
            .replace(&self.path, content)
            .map_err(self.refused("write"))
    }

    fn refused(&self, action: &'static str) -> impl FnOnce(io::Error) -> FileError + use<> {
        let path = self.path.clone();
        move |source| FileError::Disk {
            action,
            path,
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::disk::MemoryDisk;

    fn file(disk: &Arc<dyn Disk>) -> SavedFile {
        SavedFile::new(disk, Path::new("/s"), "numbers.json")
    }

    fn disk() -> Arc<dyn Disk> {
        let disk = MemoryDisk::default();
        disk.create_directories(Path::new("/s/config")).unwrap();
        Arc::new(disk)
    }

    #[tokio::test]
    async fn what_was_saved_is_read_and_a_lost_file_is_read_from_its_backup() {
        let disk = disk();
        let numbers = file(&disk);
        assert!(numbers.read::<Vec<i32>>().unwrap().is_empty());

        numbers.save(|| Bytes::from_static(b"[1,2]")).await.unwrap();
        assert_eq!(numbers.read::<Vec<i32>>().unwrap(), [1, 2]);

        disk.replace(Path::new("/s/config/numbers.json.bak"), b"[3]")
            .unwrap();
        disk.replace(Path::new("/s/config/numbers.json"), b"")
            .unwrap();
        assert_eq!(numbers.read::<Vec<i32>>().unwrap(), [3]);
    }

    #[test]
    fn a_broken_file_is_not_taken_for_an_empty_one() {
        let disk = disk();
        disk.replace(Path::new("/s/config/numbers.json"), b"[1,")
            .unwrap();

        let error = file(&disk).read::<Vec<i32>>().unwrap_err();

        assert!(error.to_string().contains("numbers.json"), "{error}");
        disk.replace(Path::new("/s/config/numbers.json.bak"), b"[3]")
            .unwrap();
        assert_eq!(file(&disk).read::<Vec<i32>>().unwrap(), [3]);
    }

    #[tokio::test]
    async fn changes_that_arrive_during_a_write_share_the_next_one() {
        let disk = disk();
        let numbers = file(&disk);
        let turn = Arc::clone(&numbers.written).lock_owned().await;
        let asked = AtomicU64::new(0);
        let content = || {
            asked.fetch_add(1, Ordering::Relaxed);
            Bytes::from_static(b"[1]")
        };

        let release = async { drop(turn) };
        let (first, second, third, ()) = tokio::join!(
            numbers.save(content),
            numbers.save(content),
            numbers.save(content),
            release
        );

        assert!(first.is_ok() && second.is_ok() && third.is_ok());
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
