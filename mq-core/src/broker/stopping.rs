//! How a broker ends, and that it does not start again.

use crate::saved_file::FileError;
use crate::store::StoreError;
use crate::tasks::Unfinished;

/// What did not go as it should when the broker stopped; the rest was done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StopError {
    /// Something goes on.
    #[error("the broker did not stop in time: {0}")]
    Unfinished(#[source] Unfinished),
    /// A file of `config/` is not up to date.
    #[error("not everything could be saved: {0}")]
    Save(#[source] FileError),
    /// The store did not close in order; the next start recovers.
    #[error("the store did not close: {0}")]
    Store(#[source] StoreError),
    /// Closing the store was cut short; the next start recovers.
    #[error("closing the store was cut short: {0}")]
    Interrupted(#[source] tokio::task::JoinError),
}

/// A broker was stopped and its store is closed, so it does not start again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the broker was stopped and does not start again: open its store anew")]
pub struct Stopped;
