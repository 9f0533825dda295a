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
//! Neither recurses deeper than [`MAX_DEPTH`] nor holds more values than [`MAX_VALUES`].

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

/// A body may have so many values: more than the topics of the largest frame have, and few enough
/// that what is made of them stays near the size of the frame.
pub const MAX_VALUES: u32 = 1 << 21;

/// A body may have so many arrays and objects.
pub const MAX_CONTAINERS: u32 = 1 << 18;

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
