//! The offsets of a group: stored by the broker, or for broadcasting in a local file.

mod commit;
mod local;
mod offset_store;
mod remote;

pub(super) use commit::Commit;
pub(super) use offset_store::{OffsetQueryError, OffsetStore};
