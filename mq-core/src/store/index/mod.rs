//! The key index: which messages have a key.

mod file;
mod gathered;
mod key_index;
mod piece;
mod snapshot;

pub(super) use gathered::DroppedKeys;
pub(super) use key_index::KeyIndex;
