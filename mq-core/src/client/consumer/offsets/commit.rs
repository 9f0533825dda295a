//! How urgent a commit is.

/// Whether the one who commits waits for the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client::consumer) enum Commit {
    /// No: there will be another commit soon.
    InPassing,
    /// Yes: it is the last one.
    Surely,
}
