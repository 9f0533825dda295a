//! A version of a table (`DataVersion`).

use serde::{Deserialize, Serialize};

/// A version of a table; two versions are equal when all three numbers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DataVersion {
    /// Goes up by one with every change.
    pub counter: i64,
    /// Which master made the change; 4.x has none.
    pub state_version: i64,
    /// When the change was made, ms since 1970.
    pub timestamp: i64,
}

impl DataVersion {
    /// The version after a change made at `timestamp`, ms since 1970.
    #[must_use]
    pub fn next(self, timestamp: i64) -> Self {
        Self {
            counter: self.counter.wrapping_add(1),
            timestamp,
            ..self
        }
    }
}
