//! Why a message was not sent.

use mq_core::message::{NameError, PropertyError, TopicName};

use super::SendResult;
use crate::payload::EncodeError;

/// Why a message was not sent, or not as safely as was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The destination is not `topic` or `topic:tag`.
    #[error("`{destination}` is no destination")]
    Destination {
        /// As it was given.
        destination: String,
        /// What is wrong with it.
        source: NameError,
    },
    /// The payload cannot be written as a body.
    #[error("the payload cannot be sent")]
    Payload(#[source] EncodeError),
    /// The builder was given neither a payload nor a body.
    #[error("the message to `{0}` has no payload")]
    NoPayload(TopicName),
    /// A key is empty or has a blank in it, which separates keys.
    #[error("`{0}` is no key: it is empty or has a blank in it")]
    Key(String),
    /// A header has a name of RocketMQ's own, or is blank.
    #[error("the message cannot have this header")]
    Header(#[source] PropertyError),
    /// The message is stored, but not as safely as the broker promises when it says "ok".
    ///
    /// Sending again makes a second message; `accept_unflushed` makes this an `Ok`.
    #[error("the message `{}` is stored with the status {}", .0.message_id, .0.status)]
    Unflushed(Box<SendResult>),
    /// The cluster did not take it.
    #[error("the message was not sent")]
    Client(#[source] Box<mq_core::client::SendError>),
    /// The application is not running, or stopped before the outcome was known.
    #[error("the application is not running")]
    NotRunning,
}

impl SendError {
    /// Whether the same message may succeed later, unchanged.
    ///
    /// It may also be there already: after a timeout nobody knows.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Client(error) => error.is_retryable(),
            Self::Unflushed(_) => true,
            _ => false,
        }
    }
}
