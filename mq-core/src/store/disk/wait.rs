//! Reads of what is in the page cache already, and reads of whatever there is.

use std::io;

use super::traits::File;

/// Whether a read may wait for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum DiskWait {
    Allowed,
    /// The read ends where it would have to wait.
    Refused,
}

impl DiskWait {
    /// Fills `buffer` from a file; `false` when that would have to wait and may not.
    pub(in crate::store) fn read(
        self,
        file: &dyn File,
        offset: u64,
        buffer: &mut [u8],
    ) -> io::Result<bool> {
        match self {
            Self::Allowed => file.read_at(offset, buffer).map(|()| true),
            Self::Refused => Ok(file.read_cached_at(offset, buffer)),
        }
    }
}
