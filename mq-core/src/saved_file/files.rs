//! The file system operations that saving a small file needs.

use std::fmt::Debug;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;

/// The file system operations that saving a small file needs; tests replace them with a disk that
/// fails.
pub trait SmallFiles: Send + Sync + Debug + 'static {
    /// Creates `path` and what is missing above it.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn create_directories(&self, path: &Path) -> io::Result<()>;

    /// Reads a small file; `None` when it does not exist.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn read(&self, path: &Path) -> io::Result<Option<Bytes>>;

    /// Truncates, writes and syncs a file. A crash in between loses its content.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()>;

    /// Renames a file within its directory, replacing the file of that name. Atomic; a crash before
    /// [`SmallFiles::sync_directory`] may undo it.
    ///
    /// # Errors
    ///
    /// What the system says; `NotFound` when there is no file `from`.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes creations and renames in a directory durable.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;

    /// Replaces the content of a small file atomically: after a crash it has either the old or the
    /// new content.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let temporary = with_suffix(path, ".tmp");
        self.write(&temporary, content)?;
        self.rename(&temporary, path)?;
        self.sync_directory(directory_of(path))
    }
}

/// The operating system's files.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemFiles;

impl SmallFiles for SystemFiles {
    fn create_directories(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => io::ErrorKind::NotADirectory.into(),
            _ => error,
        })
    }

    fn read(&self, path: &Path) -> io::Result<Option<Bytes>> {
        match fs::read(path) {
            Ok(content) => Ok(Some(content.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let mut file = fs::File::create(path)?;
        file.write_all(content)?;
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        // Only Unix can open and sync a directory; elsewhere the system decides when renames become
        // durable.
        if cfg!(unix) {
            fs::File::open(path)?.sync_all()?;
        }
        Ok(())
    }
}

/// The directory of `path`.
pub(crate) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    }
}

/// The temporary file of a save.
pub(super) fn fresh_of(path: &Path) -> PathBuf {
    with_suffix(path, ".tmp")
}

/// The backup: the content saved before.
pub(super) fn backup_of(path: &Path) -> PathBuf {
    with_suffix(path, ".bak")
}

/// A file that could not be read, kept for inspection.
pub(super) fn damaged_of(path: &Path) -> PathBuf {
    with_suffix(path, ".damaged")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
