//! The JSON of bodies as fastjson writes and reads it: object keys, bare keys, numbers as text.
//!
//! [`read`] takes what the readers of Java's beans take, from whoever sent it:
//!
//! * keys that are bare (`{0:"a"}`), in single quotes or objects themselves (`{{"queueId":0}:5}`);
//! * numbers and booleans as text and text as numbers, enums by name or by Java ordinal;
//! * `null`, which means the same as absent; missing and unknown members; commas at the end.
//!
//! [`write()`] gives strict JSON without whitespace, since Go's client cuts some bodies by hand, and
//! without members that are absent. Keys that are numbers are quoted, which everybody reads; only
//! keys that are objects stay objects, because Java reads nothing else there.
//!
//! The reader goes no deeper than [`MAX_DEPTH`], and what it makes of a text stays within a few
//! times its size: it refuses texts of nothing but tiny values.

mod convert;
mod key;
mod read;
mod scan;
mod write;

#[cfg(test)]
mod tests;

pub use read::read;
pub use write::write;

use super::Refusal;

/// Arrays and objects may be nested so deep.
pub const MAX_DEPTH: u32 = 32;

/// So many values are always allowed; more of them when they have four bytes each.
pub const MAX_VALUES: usize = 1 << 21;

/// So many arrays and objects are always allowed; more of them when they have 32 bytes each.
pub const MAX_CONTAINERS: usize = 1 << 18;

/// Why a body cannot be read. Answered with a refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body cannot be read at byte {at}: {reason}")]
pub struct BodyError {
    /// Where.
    pub at: usize,
    /// Why.
    pub reason: String,
}

type Result<T> = std::result::Result<T, BodyError>;

impl BodyError {
    /// An error at the beginning of a body.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            at: 0,
            reason: reason.into(),
        }
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        Self::system(error.to_string())
    }
}

impl serde::de::Error for BodyError {
    fn custom<T: std::fmt::Display>(reason: T) -> Self {
        Self::new(reason.to_string())
    }
}

impl serde::ser::Error for BodyError {
    fn custom<T: std::fmt::Display>(reason: T) -> Self {
        Self::new(reason.to_string())
    }
}
