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
mod error;
mod key;
mod read;
mod scan;
mod write;

#[cfg(test)]
mod tests;

pub use error::BodyError;
pub use read::read;
pub use scan::{MAX_CONTAINERS, MAX_DEPTH, MAX_VALUES};
pub use write::write;
