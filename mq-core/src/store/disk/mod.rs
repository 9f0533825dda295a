//! The disk behind a trait: the real one, one in memory, and one that forgets what was not synced.

mod faulty;
mod memory;
#[cfg(not(target_os = "linux"))]
mod portable;
mod real;
mod traits;
#[cfg(unix)]
mod unix;
mod wait;
#[cfg(windows)]
mod windows;

pub use crate::saved_file::SmallFiles;
pub use faulty::{Fault, FaultyDisk};
pub use memory::MemoryDisk;
pub use real::RealDisk;
pub use traits::{DirectoryEntry, Disk, File, Lock, Space};
pub(super) use wait::DiskWait;
