//! Which rule a message violates.

use std::time::Duration;

use crate::message::batch::PropertiesTooLong;
use crate::message::{NotARequest, TopicName};

/// Which rule a message violates (`Validators`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// Brokers refuse messages without a body.
    #[error("the body is empty")]
    EmptyBody,
    /// The body is longer than the producer allows.
    #[error("the body has {length} bytes, at most {limit} are allowed")]
    TooLong {
        /// Bytes found.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The properties are longer than their 16-bit length field allows.
    #[error("the properties have {length} bytes, at most {limit} are allowed")]
    Properties {
        /// Bytes found.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The properties are not text.
    #[error("the properties are not UTF-8")]
    NotText,
    /// Only brokers write to this topic.
    #[error("only brokers send to this topic")]
    SystemTopic,
    /// A batch goes to one topic.
    #[error("the batch has messages for `{0}` too: all must have one topic")]
    MixedTopics(TopicName),
    /// Delayed messages and retries cannot be batched.
    #[error("a batch cannot hold {0}")]
    NotInBatch(&'static str),
    /// One message of a batch breaks a rule.
    #[error("message {} of the batch: {source}", position.saturating_add(1))]
    OfBatch {
        /// Its position in the batch, from 0; in the text, messages count from 1.
        position: usize,
        /// The rule.
        source: Box<Self>,
    },
    /// A message in a transaction cannot have this property.
    #[error(
        "a message in a transaction cannot be delayed, remove {0}: when it is due, nobody may know yet \
         how its transaction ended"
    )]
    DelayInTransaction(&'static str),
    /// The request would be delivered when nobody waits for its reply any more.
    #[error(
        "the request is to be delivered after {delay:?}, and its reply is waited for for {limit:?}: give it \
         more time, or a shorter delay"
    )]
    DelayOfRequest {
        /// The delay.
        delay: Duration,
        /// The time for sending and for the reply.
        limit: Duration,
    },
    /// Nobody waits for a reply to this message.
    #[error("{0}")]
    NotARequest(#[source] NotARequest),
    /// The broker is one of RocketMQ 4, and none of its delay levels is the delay.
    #[error(
        "the broker `{broker}` knows delay levels only (`{levels}`), and none is {wanted:?}: choose one of \
         them, or a broker of RocketMQ 5 or mq"
    )]
    NoSuchDelay {
        /// The delay.
        wanted: Duration,
        /// The broker.
        broker: String,
        /// Its levels.
        levels: String,
    },
    /// The broker is one of RocketMQ 4, which cannot deliver at a given time.
    #[error(
        "the broker `{broker}` cannot deliver at a given time: choose one of its delay levels \
         (`{levels}`), or a broker of RocketMQ 5 or mq"
    )]
    NoTimes {
        /// The broker.
        broker: String,
        /// Its levels.
        levels: String,
    },
}

impl From<PropertiesTooLong> for MessageError {
    fn from(error: PropertiesTooLong) -> Self {
        let PropertiesTooLong { length, limit } = error;
        Self::Properties { length, limit }
    }
}
