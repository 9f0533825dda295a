//! A saved file and its backup `….bak`, the state saved before (`ConfigManager.persist`).
//!
//! Invariant: at every moment, also after a crash, one of the two files has content that was
//! completely written and synced. A file that cannot be read never becomes the backup.
//!
//! | Step of a save | The file | The backup |
//! |---|---|---|
//! | before | state 1 | state 0 |
//! | write and sync `….tmp` | state 1 | state 0 |
//! | rename the file to `….bak` | missing | state 1 |
//! | rename `….tmp` to the file | state 2 | state 1 |
//! | sync the directory: the renames are durable | state 2 | state 1 |

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::error::{Defect, FileError};
use super::files::{SmallFiles, backup_of, damaged_of, directory_of, fresh_of};

/// The file and its backup.
#[derive(Debug)]
pub(super) struct Copies {
    files: Arc<dyn SmallFiles>,
    path: PathBuf,
    /// Locked while a save replaces the files.
    current: Mutex<FileState>,
}

/// The state of the file itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileState {
    /// Its content was read or written successfully.
    Whole,
    /// Its content could not be read.
    Damaged,
    /// It does not exist; the backup has the last saved content.
    Missing,
    /// Neither it nor a backup exists.
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
                // A file cannot be renamed over a directory, so every save would fail.
                Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                    return Err(FileError::Directory { path, other });
                }
                _ => {}
            }
        }
        let (current, value) = match read_copy(&*files, &path, &parse)? {
            Ok(value) => (FileState::Whole, value),
            Err(defect) => match (read_copy(&*files, &backup, &parse)?, defect) {
                (Ok(value), defect) => {
                    warn_of_backup(&path, &defect);
                    let current = match defect {
                        Defect::Missing => FileState::Missing,
                        _ => FileState::Damaged,
                    };
                    (current, value)
                }
                (Err(Defect::Missing), Defect::Missing) => (FileState::New, T::default()),
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
        let first = *current == FileState::New;
        self.write_and_rotate(&mut current, content)?;
        if first {
            // The first save is written twice, because otherwise there would be no backup yet.
            self.write_and_rotate(&mut current, content)?;
        }
        Ok(())
    }

    fn write_and_rotate(&self, current: &mut FileState, content: &[u8]) -> Result<(), FileError> {
        let directory = directory_of(&self.path);
        let created = self.files.create_directories(directory);
        created.map_err(refused("create", directory))?;
        let fresh = fresh_of(&self.path);
        let written = self.files.write(&fresh, content);
        written.map_err(refused("write", &fresh))?;
        match *current {
            FileState::Whole => self.set_aside(&backup_of(&self.path))?,
            // The backup is the only good copy and stays; the damaged file is kept for inspection.
            FileState::Damaged => self.set_aside(&damaged_of(&self.path))?,
            FileState::Missing | FileState::New => {}
        }
        *current = FileState::Missing;
        let renamed = self.files.rename(&fresh, &self.path);
        renamed.map_err(refused("replace", &self.path))?;
        *current = FileState::Whole;
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

/// The parsed content of the file at `path`, or what is wrong with it.
fn read_copy<T, E: Display>(
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

fn warn_of_backup(path: &Path, defect: &Defect) {
    let backup = backup_of(path);
    let kept = match defect {
        Defect::Missing => String::new(),
        _ => format!(
            "; the next save keeps the unusable file as `{}`",
            damaged_of(path).display()
        ),
    };
    tracing::warn!(
        "`{}` cannot be used ({defect}): using its backup `{}`, which lacks the last \
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
