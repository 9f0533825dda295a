//! What can go wrong in the store, by who must act.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::message::PhysicalOffset;
use crate::saved_file::FileError;

/// Why the store cannot be opened, read or closed: somebody must look at the machine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk refused.
    #[error("could not {action} `{}`: {source}", path.display())]
    Disk {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The snapshot of the queues cannot be used, nor its backup.
    #[error("the store's own file in `config` cannot be used: {0}")]
    Snapshot(#[source] FileError),
    /// Another program, or another store in this one, has the directory open.
    #[error("the store `{}` is in use: stop the other broker (ours or Apache's)", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// A directory of the store has a file that the store cannot have written there.
    #[error("`{}` does not belong into a store: {reason}; move it elsewhere", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file of the log that has messages is not as this store keeps them.
    #[error(
        "the segment `{}` of the log {reason}. It holds messages, so leave it where it is: put a \
         whole copy back, or set `mappedFileSizeCommitLog` to what the store was written with",
        path.display()
    )]
    Segment {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A segment in the middle of the log is not there.
    #[error("the log has a hole: the segment `{}` is missing; put it back", path.display())]
    MissingSegment {
        /// The file that should be there.
        path: PathBuf,
    },
    /// A record cannot be read any more.
    #[error("the record at {offset} cannot be read")]
    Damaged {
        /// Where it begins.
        offset: PhysicalOffset,
    },
    /// The log cannot be synced any more.
    #[error(transparent)]
    Log(#[from] AppendError),
}

impl From<FileError> for StoreError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Disk {
                action,
                path,
                source,
            } => Self::Disk {
                action,
                path,
                source,
            },
            unusable => Self::Snapshot(unusable),
        }
    }
}

/// Why a message was not stored.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The message breaks a rule; sending it again does not help.
    #[error("{0}")]
    Illegal(String),
    /// The disk is full or nearly full. Sends are taken again once there is space.
    #[error("the disk is full: sends are taken again when there is space")]
    Full,
    /// The segment that the message would begin cannot be created; the next append tries again.
    #[error("there is no segment to write to: {0}")]
    NoSegment(#[source] Arc<StoreError>),
    /// A write failed for another reason than lack of space, or a sync failed, so that memory may hold
    /// what the disk does not: the store takes no more writes until it is opened anew.
    #[error("the store takes no more writes: {0}")]
    Failed(#[source] Arc<StoreError>),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

/// Gives an I/O error the file and what was tried.
pub(super) fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Disk {
        action,
        path,
        source,
    }
}

/// Whether the disk, or what this user may have of it, is full.
pub(super) fn no_room(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}
