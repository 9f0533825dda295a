//! The lock of systems that have no byte-range lock for an open file.

use std::fs;
use std::io;

/// Keeps out other processes and openers of this program; Java's locks are of another kind there.
pub(super) fn lock(file: &fs::File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(fs::TryLockError::WouldBlock) => Ok(false),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}
