//! How an offset is committed.

/// Whether a commit waits for the broker's response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum Commit {
    /// No: another commit follows soon.
    OneWay,
    /// Yes: it is the last commit of the queue.
    Confirmed,
}
