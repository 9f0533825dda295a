//! Why a saved file could not be read or written.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::files::backup_of;

/// Why a saved file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// A disk operation failed.
    #[error("could not {action} `{}`: {source}", path.display())]
    Disk {
        /// What was tried.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A directory has a name that saving needs for a file.
    #[error(
        "`{}` is a directory, and saving `{}` needs that name for a file: move the directory away",
        other.display(),
        path.display()
    )]
    Directory {
        /// The file.
        path: PathBuf,
        /// The directory.
        other: PathBuf,
    },
    /// Neither the file nor its backup can be used.
    #[error(
        "neither `{}` ({file}) nor its backup `{}` ({backup}) can be used: put a good copy in the \
         place of the first, or remove both to start without what they held",
        path.display(),
        backup_of(path).display()
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with the file.
        file: Defect,
        /// What is wrong with the backup.
        backup: Defect,
    },
}

/// Why a saved file or its backup cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Defect {
    /// The file does not exist.
    Missing,
    /// The file has no content.
    Empty,
    /// The file has this many bytes, all of them zero.
    Zeros(usize),
    /// The content breaks the format; says where and how.
    Malformed(String),
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::Empty => f.write_str("empty"),
            Self::Zeros(bytes) => write!(f, "{bytes} bytes, all zero"),
            Self::Malformed(reason) => f.write_str(reason),
        }
    }
}
