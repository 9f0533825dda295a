//! Settings as servers take them: Java properties files and `key=value` words, read against a
//! table of known keys.
//!
//! Invariant: a key that is set does what it says, is named in a warning because it has no effect
//! here, or stops the start. Every complaint has the place the key was written at.

mod problem;
pub mod properties;
mod setting;
mod sheet;

pub use problem::{Place, Problem, Problems};
pub use setting::Setting;
pub use sheet::{Effect, Key, Sheet};
