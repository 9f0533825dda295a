//! The key index: which messages have a key.

mod file;
mod key_index;

pub(super) use key_index::KeyIndex;
