//! Why a message was not sent.
//!
//! Printed with `{}` each tells its causes too; they are still there as sources.

use std::time::Duration;

use mq_core::client::{self, SendResult};
use mq_core::message::{NameError, PropertyError, TopicName};

use crate::payload::{DecodeError, EncodeError};

/// Why a message was not sent, or not as safely as was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The destination is not `topic` or `topic:tag`.
    #[error("`{destination}` is no destination: {source}")]
    Destination {
        /// As it was given.
        destination: String,
        /// What is wrong with it.
        source: NameError,
    },
    /// The payload cannot be written as a body.
    #[error("the payload cannot be sent: {0}")]
    Payload(#[source] EncodeError),
    /// The builder was given neither a payload nor a body.
    #[error("the message to `{0}` has no payload")]
    NoPayload(TopicName),
    /// A key is empty or has a blank in it, which separates keys.
    #[error("`{0}` is no key: it is empty or has a blank in it")]
    Key(String),
    /// A header has a name of RocketMQ's own, or is blank.
    #[error("the message cannot have this header: {0}")]
    Header(#[source] PropertyError),
    /// It was said twice when the message is to be delivered.
    #[error("the message to `{0}` has two times at which it is to be delivered: give one")]
    TwoTimes(TopicName),
    /// The delay or the level is 0.
    #[error("the message to `{0}` has a delay of 0: leave it out, or give one above 0")]
    NoDelay(TopicName),
    /// A message of a transaction is to be delivered later.
    #[error(
        "the message to `{0}` cannot have a delay in a transaction: send a delayed message of its own once \
         the transaction is committed"
    )]
    DelayedTransaction(TopicName),
    /// A message outside a transaction says when its transaction is asked about.
    #[error(
        "the message to `{0}` has a time for `check_after` and no transaction: send it with \
         `send_in_transaction` or `begin`, or leave the time out"
    )]
    NoTransaction(TopicName),
    /// The message is stored, but not as safely as the broker promises when it says "ok".
    ///
    /// Sending again makes a second message; `accept_unflushed` makes this an `Ok`.
    #[error("the message `{}` is stored with the status {}", .0.message_id, .0.status)]
    Unflushed(Box<SendResult>),
    /// The cluster did not take it.
    #[error("{0}")]
    Client(#[source] Box<client::SendError>),
    /// The application does not run the transaction listener of this name.
    #[error(
        "the application has no transaction listener `{0}`: select its crate with `listeners!`, or leave \
         the selection out"
    )]
    NoTransactionListener(&'static str),
    /// The listener of the transaction could not read the message when it is asked how the transaction
    /// ended.
    #[error("the transaction listener `{listener}` cannot read the message: {source}")]
    NotForListener {
        /// Its name.
        listener: &'static str,
        /// Why not.
        source: DecodeError,
    },
    /// The application is turned off.
    #[error("`rocketmq.enabled` is false: this application sends nothing")]
    NotRunning,
    /// The application was shut down, which is final: its templates send no more.
    #[error(
        "the application was shut down before the message was known to be stored, and its template \
         sends no more: send before `shutdown`, or with the template of another application"
    )]
    ShutDown,
}

impl From<client::SendError> for SendError {
    fn from(error: client::SendError) -> Self {
        match error {
            client::SendError::ShutDown => Self::ShutDown,
            error => Self::Client(Box::new(error)),
        }
    }
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

/// Why a request has no reply, or none that can be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The request was not sent.
    #[error("{0}")]
    Send(#[source] SendError),
    /// No reply came in time; the request may have been handled all the same.
    #[error("no reply to the request to `{topic}` came within {limit:?}")]
    NoReply {
        /// Where the request went.
        topic: TopicName,
        /// The time there was, with that for sending.
        limit: Duration,
    },
    /// The reply is of another type than the caller wants.
    #[error("the reply cannot be read: {0}")]
    Reply(#[source] DecodeError),
}

impl From<SendError> for RequestError {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

impl From<client::RequestError> for RequestError {
    fn from(error: client::RequestError) -> Self {
        match error {
            client::RequestError::Send(error) => Self::Send(error.into()),
            client::RequestError::NoReply { topic, limit } => Self::NoReply { topic, limit },
            _ => Self::Send(SendError::ShutDown),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::io;

    use mq_core::message::Properties;
    use mq_core::reason::reason;
    use mq_core::remoting::CallError;

    use super::*;

    /// It said "the message was not sent", and the reason only to who asked for the sources.
    #[test]
    fn a_send_that_failed_tells_why_when_it_is_printed() {
        let source = CallError::Connect {
            address: "127.0.0.1:10911".to_owned(),
            source: io::Error::other("connection refused"),
        };
        let error = SendError::Client(Box::new(client::SendError::Broker {
            broker: "broker-a".to_owned(),
            attempts: 3,
            source,
        }));

        let said = "could not send to broker `broker-a` in 3 attempts: \
                    could not connect to 127.0.0.1:10911: connection refused";
        assert_eq!(error.to_string(), said);
        assert_eq!(reason(&error), said);
        let source = error.source().unwrap();
        assert!(source.is::<Box<client::SendError>>() || source.is::<client::SendError>());
    }

    #[test]
    fn a_mistake_tells_which_rule_it_breaks() {
        let cause = Properties::default().set_user("KEYS", "a").unwrap_err();
        let error = SendError::Header(cause.clone());

        let said = format!("the message cannot have this header: {cause}");
        assert_eq!(error.to_string(), said);
    }
}
