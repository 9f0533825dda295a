//! The offsets of a group: stored by the broker, or for broadcasting in a local file.

mod commit;
mod local;
mod offset_store;
pub(in crate::client) mod remote;
mod start;

pub use commit::COMMITTING_OFFSETS;
pub(in crate::client) use commit::Commit;
pub(in crate::client) use offset_store::{CommitError, OffsetQueryError, OffsetStore};
