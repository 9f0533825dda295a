//! How an offset is committed.

/// What [`Unfinished`](crate::tasks::Unfinished) calls a commit of offsets that a broker did not confirm
/// before the deadline: messages that are finished may come again.
pub const COMMITTING_OFFSETS: &str = "committing offsets";

/// Whether a commit waits for the broker's response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum Commit {
    /// No: another commit follows soon.
    OneWay,
    /// Yes: it is the last commit of the queue.
    Confirmed,
}
