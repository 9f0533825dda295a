//! What was made ahead of the end of the log; see `room.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::segment::Segment;

#[derive(Debug, Default)]
pub(in crate::store) struct Ahead {
    /// The segment behind the newest. Held while it is made, so that nobody makes it twice.
    pub(super) next: Mutex<Option<Arc<Segment>>>,
    /// Blocks are reserved up to this physical offset.
    pub(super) reserved: AtomicU64,
    /// Zeros are written up to this physical offset.
    zeros: AtomicU64,
    /// Held while zeros are written.
    pub(super) writing_zeros: Mutex<()>,
    /// The disk had no room for a reservation: appends reserve what they need, so that a full disk is
    /// noticed before anything is written.
    pub(super) is_scarce: AtomicBool,
    /// Room is to be made.
    pub(in crate::store) wanted: Notify,
}

impl Ahead {
    pub(super) fn reserved_end(&self) -> u64 {
        self.reserved.load(Ordering::Acquire)
    }

    pub(super) fn zeros_end(&self) -> u64 {
        self.zeros.load(Ordering::Acquire)
    }

    /// Zeros are written up to the physical offset `end`.
    pub(super) fn zeros_written(&self, end: u64) {
        self.zeros.fetch_max(end, Ordering::AcqRel);
    }
}
