//! What the store asks of a disk. Everything it does to files goes through here, so that a test can
//! cut the power between any two calls.

use std::fmt::Debug;
use std::io;
use std::ops::Range;
use std::path::Path;

use crate::saved_file::SmallFiles;

/// Files and directories.
pub trait Disk: SmallFiles {
    /// What lies in the directory `path`, in no order; nothing when it does not exist.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn list(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>>;

    /// Creates a file of exactly `length` zeros that survives a crash.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn create(&self, path: &Path, length: u64) -> io::Result<Box<dyn File>>;

    /// Opens a file.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn open(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// Removes a file or a directory with all that is in it; no error when it does not exist.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Locks the file `path`, creating it, against every other process and every other opener in
    /// this one; `None` when somebody else holds it. Dropping the lock releases it.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>>;

    /// The system's id of the present run of the machine, which is another one after each boot; `None`
    /// where the system has none. As long as it is the same, all that processes have written can be
    /// read, synced or not, although they were killed.
    fn boot_id(&self) -> Option<String>;

    /// Whether no read ever waits: all of it is in the memory of this process.
    fn is_memory(&self) -> bool {
        false
    }

    /// Room on the file system of `path`.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn space(&self, path: &Path) -> io::Result<Space>;
}

/// One open file.
pub trait File: Send + Sync + Debug {
    /// Bytes of the file.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn length(&self) -> io::Result<u64>;

    /// Fills `buffer` from `offset`; an error when the file ends before.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Fills `buffer` from `offset` only if that does not wait for the disk; says whether it did. `false`
    /// also where the system cannot tell, and when the read fails: [`File::read_at`] then says why.
    /// `buffer` may have been filled in part.
    fn read_cached_at(&self, _offset: u64, _buffer: &mut [u8]) -> bool {
        false
    }

    /// The next part, at `offset` or behind, that was never written, so that zeros are there; behind all
    /// offsets where the system cannot tell. What it has read from such a part counts as written, and it
    /// reads ahead.
    fn next_hole(&self, _offset: u64) -> Range<u64> {
        u64::MAX..u64::MAX
    }

    /// Writes `content` at `offset`, within the file's length.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn write_at(&self, offset: u64, content: &[u8]) -> io::Result<()>;

    /// Makes everything written so far survive a loss of power.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn sync(&self) -> io::Result<()>;

    /// Reserves blocks for the range, where the system can; otherwise nothing happens.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn allocate(&self, offset: u64, length: u64) -> io::Result<()>;

    /// Turns `length` bytes from `offset` on, within the file's length, into zeros; that needs no room
    /// on the disk. As with a write, only [`File::sync`] makes it last.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn zero(&self, offset: u64, length: u64) -> io::Result<()>;

    /// Makes the file `length` bytes long, with zeros behind what was there; survives a crash.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn lengthen(&self, length: u64) -> io::Result<()>;
}

/// Held as long as the store is open.
pub trait Lock: Send + Sync + Debug {}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The name, without the directory; bytes that are not UTF-8 are replaced.
    pub name: String,
    /// Whether it is a directory itself.
    pub directory: bool,
    /// Bytes of a file.
    pub length: u64,
    /// Last change, ms since 1970.
    pub modified_ms: i64,
}

impl DirectoryEntry {
    /// Whether it is a file that is not hidden. Whatever else lies in a directory of the store
    /// belongs to the system or the administrator, as `lost+found` does where a file system of its
    /// own is mounted (`MappedFileQueue.load` passes directories over too).
    pub(in crate::store) fn is_plain_file(&self) -> bool {
        !self.directory && !self.name.starts_with('.')
    }
}

/// Room on a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// All that is used or left for us.
    pub total: u64,
    /// What is left for us.
    pub free: u64,
}

impl Space {
    /// What is kept for the administrator, the difference between `free` and `available`, is neither
    /// used nor ours (`UtilAll.getDiskPartitionSpaceUsedPercent`).
    #[cfg(unix)]
    pub(super) fn new(size: u64, free: u64, available: u64) -> Self {
        Self {
            total: size.saturating_sub(free).saturating_add(available),
            free: available,
        }
    }

    /// How full the file system is, 0 to 1.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a ratio needs no more than 52 bits"
    )]
    pub fn used_ratio(&self) -> f64 {
        if self.total == 0 {
            0.0
        } else {
            1.0 - self.free as f64 / self.total as f64
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// A disk of which a third was in use, and most of the rest kept for the administrator, once
    /// counted as full.
    #[test]
    fn room_kept_for_the_administrator_does_not_count_as_used() {
        let space = Space::new(200, 140, 60);

        assert_eq!((space.total, space.free), (120, 60));
    }
}
