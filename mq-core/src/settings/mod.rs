//! Settings of the server programs: Java properties files and `key=value` arguments, read against a
//! table of known keys.
//!
//! Invariant: a key that is set takes effect, or a warning says that it has none, or the program
//! does not start. Every message names the file and line, or the argument, where the key was set.

mod problem;
pub mod properties;
mod setting;
mod sheet;

pub use problem::{SettingOrigin, SettingProblem, SettingProblems};
pub use setting::Setting;
pub use sheet::{KeyEffect, SettingKey, Sheet};
