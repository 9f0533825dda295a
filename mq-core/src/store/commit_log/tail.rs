//! The end of the log: where the next record goes, and which store time it gets.

use std::sync::Arc;

use super::segment::Segment;

/// Store timestamps stand still while the wall clock catches up with them, so that they never go
/// back. When it was set back farther than this, it was wrong before, and they follow it.
const MAX_TIMESTAMP_LEAD_MS: i64 = 10_000;

/// The end of the log, behind its lock.
#[derive(Debug)]
pub(in crate::store) struct Tail {
    pub(super) end: u64,
    pub(super) segment: Option<Arc<Segment>>,
    /// Where the zeros begin that were written last, or are being written; see `zeros.rs`.
    pub(super) zeros_from: u64,
    last_timestamp: i64,
}

impl Tail {
    pub(super) fn at(end: u64) -> Self {
        Self {
            end,
            segment: None,
            zeros_from: u64::MAX,
            last_timestamp: 0,
        }
    }

    pub(super) fn move_to(&mut self, end: u64) {
        *self = Self {
            last_timestamp: self.last_timestamp,
            ..Self::at(end)
        };
    }

    pub(in crate::store) fn last_timestamp(&self) -> i64 {
        self.last_timestamp
    }

    pub(in crate::store) fn set_last_timestamp(&mut self, timestamp: i64) {
        self.last_timestamp = self.last_timestamp.max(timestamp);
    }

    /// The store time of what is placed when the wall clock shows `now_ms`.
    pub(super) fn timestamp_at(&mut self, now_ms: i64) -> i64 {
        let ahead_ms = self.last_timestamp.saturating_sub(now_ms);
        if ahead_ms > MAX_TIMESTAMP_LEAD_MS {
            tracing::warn!(
                ahead_ms,
                "the last message was stored in the future: the clock of this machine was wrong \
                 then, or is now"
            );
        }
        if ahead_ms <= 0 || ahead_ms > MAX_TIMESTAMP_LEAD_MS {
            self.last_timestamp = now_ms;
        }
        self.last_timestamp
    }
}
