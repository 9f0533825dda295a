//! What the running store has done, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Messages stored.
    pub stored: u64,
    /// Bytes of their records.
    pub bytes: u64,
    /// Syncs of the log.
    pub syncs: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) stored: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) syncs: AtomicU64,
}

impl Counters {
    pub(super) fn snapshot(&self) -> Figures {
        Figures {
            stored: self.stored.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            syncs: self.syncs.load(Ordering::Relaxed),
        }
    }
}
