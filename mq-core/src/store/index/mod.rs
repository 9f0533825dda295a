//! The key index: which messages have a key.

mod file;
mod gathered;
mod key_index;
mod piece;

pub(super) use key_index::KeyIndex;
