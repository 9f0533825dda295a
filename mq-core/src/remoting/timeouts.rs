//! When a connection on which too little happens is given up.
//!
//! Three clocks run: since the last byte, since a frame began that has not come to its end, and
//! since the peer stopped taking what waits for it.

use super::config::Limits;
use super::ending::End;
use crate::clock::Moment;

/// Since when nothing happens where something should.
#[derive(Debug)]
pub(super) struct Timeouts {
    /// The last byte in either direction.
    last: Moment,
    /// The frame that has not come to its end.
    frame: Option<Moment>,
    /// Bytes that the peer does not take.
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

    /// Whether this is news.
    pub(super) fn blocked(&mut self, now: Moment) -> bool {
        let news = self.unsent.is_none();
        self.unsent.get_or_insert(now);
        news
    }

    pub(super) fn frame_begun(&mut self, begun: bool, now: Moment) {
        if begun {
            self.frame.get_or_insert(now);
        }
    }

    pub(super) fn frame_ended(&mut self) {
        self.frame = None;
    }

    /// When the connection has to end if things stay as they are, and why.
    pub(super) fn deadline(&self, limits: &Limits) -> (Moment, End) {
        let idle = self.frame.map_or(self.last, |frame| frame.min(self.last));
        let idle = idle.plus(limits.idle);
        match self.unsent.map(|unsent| unsent.plus(limits.stalled)) {
            Some(stalled) if stalled < idle => (stalled, End::Stalled),
            _ => (idle, End::Idle),
        }
    }
}
