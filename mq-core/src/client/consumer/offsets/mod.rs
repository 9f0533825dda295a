//! How far a group is in each queue: at the broker, or for broadcasting in a file.

mod commit;
mod local;
mod offset_store;
mod remote;

pub(super) use commit::Commit;
pub(super) use offset_store::{Offsets, Unknown};
