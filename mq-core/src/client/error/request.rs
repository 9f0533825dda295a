//! Why a request has no reply.

use std::time::Duration;

use super::kind::ErrorKind;
use super::send::SendError;
use crate::message::TopicName;

/// Why a request has no reply.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The request was not sent, or nobody knows.
    #[error("{0}")]
    Send(#[source] SendError),
    /// No reply came in time. The request may have been handled.
    #[error("no reply to the request to `{topic}` came within {limit:?}")]
    NoReply {
        /// Where the request went.
        topic: TopicName,
        /// The time there was, with that for sending.
        limit: Duration,
    },
    /// The client was shut down while the request waited.
    #[error("the client was shut down before the reply came")]
    ShutDown,
}

impl RequestError {
    /// The kind, by who can do something about the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Send(source) => source.kind(),
            Self::NoReply { .. } => ErrorKind::Timeout,
            Self::ShutDown => ErrorKind::ShutDown,
        }
    }

    /// Whether the same request may get a reply later. Without a reply in time it may have been handled
    /// already, so that it is handled twice.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Send(source) => source.is_retryable(),
            _ => self.kind().is_retryable(),
        }
    }
}
