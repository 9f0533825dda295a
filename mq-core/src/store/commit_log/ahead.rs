//! What was made ahead of the end of the log; see `room.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::segment::Segment;

#[derive(Debug, Default)]
pub(in crate::store) struct Ahead {
    /// The segment behind the newest. Held while it is made, so that nobody makes it twice.
    pub(super) next: Mutex<Option<Arc<Segment>>>,
    /// Blocks are reserved up to this physical offset.
    pub(super) reserved: AtomicU64,
    /// The disk had no room for a reservation: appends reserve what they need, so that a full disk is
    /// noticed before anything is written.
    pub(super) is_scarce: AtomicBool,
    /// Room is to be made.
    pub(in crate::store) wanted: Notify,
}
