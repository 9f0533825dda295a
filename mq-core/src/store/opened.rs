//! When the store was opened: what bounds how old its segments can have become since.

use crate::clock::{Clock, Moment};

/// When the store was opened, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opened {
    pub(super) wall_ms: i64,
    pub(super) moment: Moment,
}

impl Opened {
    pub(super) fn now(clock: &Clock) -> Self {
        Self {
            wall_ms: clock.now_ms(),
            moment: clock.moment(),
        }
    }
}
