//! The commit log: all messages of a broker in the order of arrival, in segments of one size.

mod ahead;
mod cut;
mod flush;
mod log;
mod recover;
mod room;
mod segment;
mod tail;
mod torn;
mod waiters;
mod writer;
mod zeros;

pub(super) use log::CommitLog;
pub(super) use recover::{Scan, Scanned, Unsynced};
pub(super) use segment::Segments;
pub(super) use tail::Tail;
pub(super) use writer::AppendStart;
