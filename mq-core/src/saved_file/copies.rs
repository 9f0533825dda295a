//! A saved file and its backup `….bak`, the state saved before (`ConfigManager.persist`).
//!
//! Invariant: at every moment, and after a crash at every moment, one of the two names bears a
//! content that was completely written and synced; a content that cannot be read never becomes the
//! backup.
//!
//! | Step of a save | The file | The backup |
//! |---|---|---|
//! | before | state 1 | state 0 |
//! | write and sync `….tmp` | state 1 | state 0 |
//! | rename the file to `….bak` | missing | state 1 |
//! | rename `….tmp` to the file | state 2 | state 1 |
//! | sync the directory: the names stay | state 2 | state 1 |

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::error::{Defect, FileError};
use super::files::{SmallFiles, backup_of, damaged_of, directory_of, fresh_of};

/// The two copies of what was saved.
#[derive(Debug)]
pub(super) struct Copies {
    files: Arc<dyn SmallFiles>,
    path: PathBuf,
    /// Held while the copies are changed.
    current: Mutex<Current>,
}

/// What bears the file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Current {
    /// A content that was read or written by us.
    Whole,
    /// A content that could not be read.
    Damaged,
    /// Nothing; what was saved last is the backup.
    Missing,
    /// Nothing, and there is no backup either.
    New,
}

impl Copies {
    /// Reads the file at `path`, or its backup when the file cannot be used; the default when
    /// neither exists.
    pub(super) fn open<T: Default, E: Display>(
        files: Arc<dyn SmallFiles>,
        path: PathBuf,
        parse: impl Fn(&[u8]) -> Result<T, E>,
    ) -> Result<(Self, T), FileError> {
        let backup = backup_of(&path);
        for other in [fresh_of(&path), backup.clone(), damaged_of(&path)] {
            match files.read(&other) {
                // Nothing can be renamed to that name: every save would fail.
                Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                    return Err(FileError::Directory { path, other });
                }
                _ => {}
            }
        }
        let (current, value) = match look(&*files, &path, &parse)? {
            Ok(value) => (Current::Whole, value),
            Err(defect) => match (look(&*files, &backup, &parse)?, defect) {
                (Ok(value), defect) => {
                    tell_of_backup(&path, &defect);
                    let current = match defect {
                        Defect::Missing => Current::Missing,
                        _ => Current::Damaged,
                    };
                    (current, value)
                }
                (Err(Defect::Missing), Defect::Missing) => (Current::New, T::default()),
                (Err(backup), file) => {
                    return Err(FileError::Unusable { path, file, backup });
                }
            },
        };
        let current = Mutex::new(current);
        let copies = Self {
            files,
            path,
            current,
        };
        Ok((copies, value))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Saves `content`; what was saved before becomes the backup.
    pub(super) fn save(&self, content: &[u8]) -> Result<(), FileError> {
        let mut current = self.current.lock();
        let first = *current == Current::New;
        self.put(&mut current, content)?;
        if first {
            // There is no state before the first: without a second write it had no backup.
            self.put(&mut current, content)?;
        }
        Ok(())
    }

    fn put(&self, current: &mut Current, content: &[u8]) -> Result<(), FileError> {
        let directory = directory_of(&self.path);
        let created = self.files.create_directories(directory);
        created.map_err(refused("create", directory))?;
        let fresh = fresh_of(&self.path);
        let written = self.files.write(&fresh, content);
        written.map_err(refused("write", &fresh))?;
        match *current {
            Current::Whole => self.set_aside(&backup_of(&self.path))?,
            // The backup is the only good copy: it stays, and the damaged file is kept for people.
            Current::Damaged => self.set_aside(&damaged_of(&self.path))?,
            Current::Missing | Current::New => {}
        }
        *current = Current::Missing;
        let renamed = self.files.rename(&fresh, &self.path);
        renamed.map_err(refused("replace", &self.path))?;
        *current = Current::Whole;
        let synced = self.files.sync_directory(directory);
        synced.map_err(refused("sync", directory))
    }

    fn set_aside(&self, name: &Path) -> Result<(), FileError> {
        match self.files.rename(&self.path, name) {
            // Somebody removed the file meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            renamed => renamed.map_err(refused("replace", name)),
        }
    }
}

/// What the file at `path` says, or what is wrong with it.
fn look<T, E: Display>(
    files: &dyn SmallFiles,
    path: &Path,
    parse: impl Fn(&[u8]) -> Result<T, E>,
) -> Result<Result<T, Defect>, FileError> {
    let Some(content) = files.read(path).map_err(refused("read", path))? else {
        return Ok(Err(Defect::Missing));
    };
    if content.iter().all(|byte| *byte == 0) {
        return Ok(Err(match content.len() {
            0 => Defect::Empty,
            bytes => Defect::Zeros(bytes),
        }));
    }
    Ok(parse(&content).map_err(|error| Defect::Malformed(error.to_string())))
}

fn tell_of_backup(path: &Path, defect: &Defect) {
    let backup = backup_of(path);
    let kept = match defect {
        Defect::Missing => String::new(),
        _ => format!(
            "; the next save keeps the unusable file as `{}`",
            damaged_of(path).display()
        ),
    };
    tracing::warn!(
        "`{}` cannot be used ({defect}): going on with its backup `{}`, which lacks the last \
         changes{kept}",
        path.display(),
        backup.display(),
    );
}

fn refused(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError + use<> {
    let path = path.to_owned();
    move |source| FileError::Disk {
        action,
        path,
        source,
    }
}
