//! How long the handlers of a group may take: for a message, and when the program ends.

use std::time::Duration;

/// What listeners say of it; `None`: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HandlerTimes {
    pub(super) timeout_minutes: Option<i32>,
    pub(super) termination_ms: Option<i32>,
}

impl HandlerTimes {
    /// How long a handler may have a message, before the message is delivered again.
    pub(crate) fn timeout(self) -> Option<Duration> {
        let minutes = u64::try_from(self.timeout_minutes?).ok()?;
        Some(Duration::from_mins(minutes))
    }

    /// How long the end of the program waits for handlers.
    pub(crate) fn termination(self) -> Option<Duration> {
        let ms = u64::try_from(self.termination_ms?).ok()?;
        Some(Duration::from_millis(ms))
    }
}
