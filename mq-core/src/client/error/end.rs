//! Why a transaction was not ended.

use super::kind::ErrorKind;
use crate::client::checker::TransactionState;
use crate::remoting::CallError;

/// Why a transaction was not ended. Unless the broker refused, it may have been ended all the same.
#[derive(Debug, thiserror::Error)]
#[error(
    "could not {} the transaction of message `{message_id}` at broker `{broker}`: {source}",
    match state {
        TransactionState::Commit => "commit",
        _ => "roll back",
    }
)]
pub struct EndError {
    /// How it was to end.
    pub state: TransactionState,
    /// The unique id of its message.
    pub message_id: String,
    /// The broker that has the message.
    pub broker: String,
    /// Why not.
    pub source: CallError,
}

impl EndError {
    /// The kind, by who can do something about the error.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::of(&self.source)
    }
}
