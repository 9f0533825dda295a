//! What saving a small file asks of a file system.

use std::fmt::Debug;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;

/// The steps of which saving a small file consists.
pub trait SmallFiles: Send + Sync + Debug + 'static {
    /// Creates `path` and what is missing above it.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn create_directories(&self, path: &Path) -> io::Result<()>;

    /// The whole of a small file; `None` when it does not exist.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn read(&self, path: &Path) -> io::Result<Option<Bytes>>;

    /// Writes and syncs a file that may be lost when that is cut short: it is emptied first.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()>;

    /// Gives a file another name in the same directory, in the place of whatever bore that name.
    /// A crash before [`SmallFiles::sync_directory`] may undo it as a whole.
    ///
    /// # Errors
    ///
    /// What the system says; `NotFound` when there is no file `from`.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes the names in a directory survive a crash.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;

    /// Puts `content` in the place of a small file: after a crash either the old content is there
    /// or the new one, whole.
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
        // Only Unix opens a directory as a file; elsewhere the system decides when names last.
        if cfg!(unix) {
            fs::File::open(path)?.sync_all()?;
        }
        Ok(())
    }
}

/// The directory in which `path` lies.
pub(crate) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    }
}

/// Where the new content is written before it takes the file's name.
pub(super) fn fresh_of(path: &Path) -> PathBuf {
    with_suffix(path, ".tmp")
}

/// What was saved before.
pub(super) fn backup_of(path: &Path) -> PathBuf {
    with_suffix(path, ".bak")
}

/// A file that could not be read, kept for people.
pub(super) fn damaged_of(path: &Path) -> PathBuf {
    with_suffix(path, ".damaged")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
