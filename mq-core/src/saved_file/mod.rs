//! Small files that are always replaced as a whole, each with a backup: the broker's
//! `config/*.json`, the name server's key-value table, the offsets of broadcasting consumers.
//!
//! Invariant: older content never replaces newer, and an unusable file never replaces its backup.
//! Changes that arrive during a write share the next one.

mod copies;
mod error;
mod files;

use std::fmt::Display;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use copies::Copies;
pub use error::{Defect, FileError};
#[cfg(feature = "store")]
pub(crate) use files::directory_of;
pub use files::{SmallFiles, SystemFiles};

/// A small file that is always replaced as a whole.
#[derive(Debug)]
pub struct SavedFile {
    copies: Arc<Copies>,
    /// The number of saves requested so far.
    changes: AtomicU64,
    /// The number of the last save that is on disk; locked during a write.
    written: Arc<tokio::sync::Mutex<u64>>,
}

impl SavedFile {
    /// Reads the file at `path` with `parse`. When the file is missing, empty, all zeros or refused
    /// by `parse`, its backup `….bak` is used and a warning names both; when neither exists, the
    /// value is the default.
    ///
    /// `parse` must refuse an object that lacks the members which every save writes, because a file
    /// may be damaged to `{}`.
    ///
    /// # Errors
    ///
    /// [`FileError::Unusable`] when neither can be used although one of them exists,
    /// [`FileError::Directory`] when a directory would make every save fail, [`FileError::Disk`]
    /// when the disk fails.
    pub fn open<T: Default, E: Display>(
        files: Arc<dyn SmallFiles>,
        path: impl Into<PathBuf>,
        parse: impl Fn(&[u8]) -> Result<T, E>,
    ) -> Result<(Self, T), FileError> {
        let (copies, value) = Copies::open(files, path.into(), parse)?;
        let file = Self {
            copies: Arc::new(copies),
            changes: AtomicU64::new(0),
            written: Arc::default(),
        };
        Ok((file, value))
    }

    /// Saves `content`, which is called just before the write and may be skipped when another save
    /// already covers this one. The content saved before becomes the backup.
    ///
    /// # Errors
    ///
    /// [`FileError::Disk`]; the content saved before is still there.
    pub async fn save(&self, content: impl FnOnce() -> Bytes) -> Result<(), FileError> {
        let change = self.changes.fetch_add(1, Ordering::AcqRel) + 1;
        let mut written = Arc::clone(&self.written).lock_owned().await;
        if *written >= change {
            return Ok(());
        }
        let covered = self.changes.load(Ordering::Acquire);
        let content = content();
        let copies = Arc::clone(&self.copies);
        // The lock moves into the blocking task, so that a caller that is cancelled does not
        // release it before the write ends.
        let writing = tokio::task::spawn_blocking(move || {
            let outcome = copies.save(&content);
            if outcome.is_ok() {
                *written = covered;
            }
            outcome
        });
        writing.await.unwrap_or_else(|panic| {
            Err(FileError::Disk {
                action: "write",
                path: self.copies.path().to_owned(),
                source: io::Error::other(panic),
            })
        })
    }

    /// Saves `content` at once, blocking the calling thread.
    ///
    /// # Errors
    ///
    /// [`FileError::Disk`]; the content saved before is still there.
    pub fn save_now(&self, content: &[u8]) -> Result<(), FileError> {
        self.copies.save(content)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    type Opened = Result<(SavedFile, Vec<i32>), FileError>;

    fn open(directory: &Path) -> Opened {
        let parse = |text: &[u8]| serde_json::from_slice(text);
        SavedFile::open(
            Arc::new(SystemFiles),
            directory.join("n/numbers.json"),
            parse,
        )
    }

    fn content(directory: &Path, name: &str) -> Option<Bytes> {
        SystemFiles.read(&directory.join("n").join(name)).unwrap()
    }

    #[tokio::test]
    async fn what_is_saved_is_read_again_and_the_content_before_is_the_backup() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let (numbers, none) = open(directory).unwrap();
        assert!(none.is_empty());

        numbers.save(|| Bytes::from_static(b"[1]")).await.unwrap();
        assert_eq!(content(directory, "numbers.json.bak").unwrap(), "[1]");
        numbers.save(|| Bytes::from_static(b"[2]")).await.unwrap();
        numbers.save_now(b"[3]").unwrap();

        assert_eq!(open(directory).unwrap().1, [3]);
        assert_eq!(content(directory, "numbers.json.bak").unwrap(), "[2]");
    }

    /// Regression: the next save made a damaged file the backup, replacing the only good copy.
    #[test]
    fn an_unusable_file_gives_way_to_its_backup_and_never_becomes_it() {
        for damage in [&b""[..], b"\0\0\0\0", b"[1,", b"[2]\0\0", b"{}"] {
            let directory = tempfile::tempdir().unwrap();
            let directory = directory.path();
            let (numbers, _) = open(directory).unwrap();
            numbers.save_now(b"[1]").unwrap();
            numbers.save_now(b"[2]").unwrap();
            let file = directory.join("n/numbers.json");
            SystemFiles.replace(&file, damage).unwrap();

            let (numbers, read) = open(directory).unwrap();
            assert_eq!(read, [1]);
            numbers.save_now(b"[3]").unwrap();

            assert_eq!(open(directory).unwrap().1, [3]);
            assert_eq!(content(directory, "numbers.json.bak").unwrap(), "[1]");
            assert_eq!(content(directory, "numbers.json.damaged").unwrap(), damage);
        }
    }

    #[test]
    fn a_file_that_was_removed_gives_way_to_its_backup() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let (numbers, _) = open(directory).unwrap();
        numbers.save_now(b"[1]").unwrap();
        numbers.save_now(b"[2]").unwrap();
        let file = directory.join("n/numbers.json");

        std::fs::remove_file(&file).unwrap();
        let (numbers, read) = open(directory).unwrap();
        assert_eq!(read, [1]);
        numbers.save_now(b"[3]").unwrap();
        std::fs::remove_file(&file).unwrap();
        numbers.save_now(b"[4]").unwrap();

        assert_eq!(open(directory).unwrap().1, [4]);
        assert_eq!(content(directory, "numbers.json.bak").unwrap(), "[1]");
    }

    /// Regression: every save failed, while commits were answered with success.
    #[test]
    fn a_directory_with_the_name_of_a_copy_is_named_before_anything_is_saved() {
        for suffix in ["", ".tmp", ".bak", ".damaged"] {
            let directory = tempfile::tempdir().unwrap();
            let directory = directory.path();
            let name = format!("numbers.json{suffix}");
            std::fs::create_dir_all(directory.join("n").join(&name)).unwrap();

            let error = open(directory).unwrap_err().to_string();

            assert!(error.contains(&format!("{name}`")), "{error}");
            assert!(error.contains("directory"), "{error}");
        }
    }

    #[test]
    fn without_a_usable_copy_the_error_names_both_files_and_what_to_do() {
        for (file, backup, reasons) in [
            (Some("["), None, ["(EOF while parsing", "(missing)"]),
            (Some(""), Some("\0\0"), ["(empty)", "(2 bytes, all zero)"]),
            (None, Some("x"), ["(missing)", "(expected value"]),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let directory = directory.path();
            SystemFiles
                .create_directories(&directory.join("n"))
                .unwrap();
            for (name, content) in [("numbers.json", file), ("numbers.json.bak", backup)] {
                let path = directory.join("n").join(name);
                if let Some(content) = content {
                    SystemFiles.replace(&path, content.as_bytes()).unwrap();
                }
            }

            let error = open(directory).unwrap_err().to_string();

            for part in reasons
                .iter()
                .chain(&["numbers.json`", "numbers.json.bak`", "remove both"])
            {
                assert!(error.contains(part), "{part}: {error}");
            }
        }
    }

    #[tokio::test]
    async fn changes_that_arrive_during_a_write_share_the_next_one() {
        let directory = tempfile::tempdir().unwrap();
        let (numbers, _) = open(directory.path()).unwrap();
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
