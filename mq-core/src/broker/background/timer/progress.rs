//! Which messages of the timer topic are done with.

use serde::{Deserialize, Serialize};

/// What was delivered, and what was not although later ones were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::broker) struct TimerProgress {
    /// Of all that was delivered, the latest time, ms since 1970.
    pub(super) delivered_until: i64,
    /// What came from this queue offset on waits, whatever its time.
    pub(super) end: u64,
    /// No message with a smaller queue offset waits.
    pub(super) least: u64,
    /// Queue offsets before `end` of messages that wait although their time is not behind
    /// `delivered_until`, in order.
    #[serde(default)]
    pub(super) waiting: Vec<u64>,
    /// The numbers that stand in `timercheck`; none before it was written first.
    #[serde(default)]
    pub(super) timercheck: Vec<i64>,
    /// Those that stood there before, and still do after a crash between the writes of the two files.
    #[serde(default)]
    pub(super) timercheck_before: Vec<i64>,
}

impl TimerProgress {
    /// Whether the message at a queue offset, which is due at `due_ms`, waits.
    pub(super) fn is_pending(&self, offset: u64, due_ms: i64) -> bool {
        offset >= self.end
            || (offset >= self.least && due_ms > self.delivered_until)
            || self.waiting.binary_search(&offset).is_ok()
    }
}
