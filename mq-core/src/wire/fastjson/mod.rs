//! Reads and writes the JSON of bodies in the dialect of Java's fastjson library: objects as keys,
//! unquoted keys, numbers as text.
//!
//! [`read`] accepts what fastjson accepts for a Java class, because every client writes some of it:
//!
//! * keys that are unquoted (`{0:"a"}`), in single quotes or objects themselves (`{{"queueId":0}:5}`);
//! * numbers and booleans as text and text as numbers, enums by name or by Java ordinal;
//! * `null`, which means the same as absent; missing and unknown members; commas at the end.
//!
//! [`write()`] gives strict JSON without whitespace, since Go's client cuts some bodies by hand, and
//! without members that are absent. Keys that are numbers are quoted, which everybody reads; only
//! keys that are objects stay objects, because Java reads nothing else there.
//!
//! A hostile text cannot exhaust the stack or the memory: nesting is limited to [`MAX_DEPTH`], and the
//! number of values and containers is limited in proportion to the length of the text, so that the
//! result takes at most a few times that length.

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
