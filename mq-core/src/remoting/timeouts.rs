//! The timeouts after which a connection is closed.
//!
//! There are three: since the last byte in either direction, since the beginning of an incomplete
//! frame, and since the peer stopped reading pending output.

use super::config::Limits;
use super::ending::End;
use crate::clock::Moment;

/// The beginnings of the three timeouts.
#[derive(Debug)]
pub(super) struct Timeouts {
    /// When the last byte went in either direction.
    last: Moment,
    /// When the incomplete frame began.
    frame: Option<Moment>,
    /// When a write was first blocked because the peer does not read.
    unsent: Option<Moment>,
}

impl Timeouts {
    pub(super) fn since(now: Moment) -> Self {
        Self {
            last: now,
            frame: None,
            unsent: None,
        }
    }

    pub(super) fn heard(&mut self, now: Moment) {
        self.last = now;
    }

    pub(super) fn said(&mut self, now: Moment) {
        self.last = now;
        self.unsent = None;
    }

    /// A write is blocked. Returns whether the write before it was not.
    pub(super) fn blocked(&mut self, now: Moment) -> bool {
        let is_new = self.unsent.is_none();
        self.unsent.get_or_insert(now);
        is_new
    }

    pub(super) fn frame_begun(&mut self, begun: bool, now: Moment) {
        if begun {
            self.frame.get_or_insert(now);
        }
    }

    pub(super) fn frame_ended(&mut self) {
        self.frame = None;
    }

    /// The earliest timeout, and why the connection ends at it.
    pub(super) fn deadline(&self, limits: &Limits) -> (Moment, End) {
        let idle = self.frame.map_or(self.last, |frame| frame.min(self.last));
        let idle = idle.plus(limits.idle);
        match self.unsent.map(|unsent| unsent.plus(limits.stalled)) {
            Some(stalled) if stalled < idle => (stalled, End::Stalled),
            _ => (idle, End::Idle),
        }
    }
}
