//! Why nothing is handed over any more.

use crate::client::error::ErrorKind;

/// Why no message is handed over. That brokers do not respond is no error: the consumer keeps trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PollError {
    /// The consumer or its client was shut down.
    #[error("the consumer is shut down: it hands no messages over any more")]
    ShutDown,
}

impl PollError {
    /// The kind, by who can do something about the error.
    pub fn kind(self) -> ErrorKind {
        match self {
            Self::ShutDown => ErrorKind::ShutDown,
        }
    }
}
