//! Why a message was not sent.

use std::time::Duration;

use super::kind::ErrorKind;
use super::message::MessageError;
use super::route::RouteError;
use crate::message::{MessageQueue, RecallHandleError, TopicName};
use crate::remoting::CallError;
use crate::wire::ResponseCode;

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The message violates a rule.
    #[error("the message to `{topic}` cannot be sent: {source}")]
    Message {
        /// Where it should have gone.
        topic: TopicName,
        /// Which rule.
        source: MessageError,
    },
    /// The batch has no message.
    #[error("the batch is empty")]
    EmptyBatch,
    /// Not sent: an earlier request of the batch failed, and these messages must not overtake its
    /// messages.
    #[error(
        "not sent to `{0}`: an earlier part of the batch failed, and the messages keep their order"
    )]
    EarlierPartFailed(TopicName),
    /// No broker has the topic, and none creates topics automatically.
    #[error("no route info of topic `{0}`: create it, or allow a broker to create topics")]
    NoRoute(TopicName),
    /// The topic is there, but may only be read.
    #[error(
        "no queue of topic `{0}` takes messages: the permission of the topic or of its brokers forbids it"
    )]
    NotWritable(TopicName),
    /// The selector chose none of the queues.
    #[error("the selector chose none of the {queues} queues of `{topic}`")]
    NotSelected {
        /// The topic.
        topic: TopicName,
        /// How many there were.
        queues: usize,
    },
    /// The broker of this queue is not known (any more).
    #[error("no broker is known for {0}")]
    NoBroker(MessageQueue),
    /// The route could not be looked up.
    #[error("could not look up topic `{topic}`: {source}")]
    Route {
        /// The topic.
        topic: TopicName,
        /// Why not.
        source: RouteError,
    },
    /// Every attempt failed; this is the last one.
    #[error("could not send to broker `{broker}` in {}: {source}", counted(*attempts))]
    Broker {
        /// The last broker tried.
        broker: String,
        /// How many attempts were made.
        attempts: u32,
        /// Why the last one failed.
        source: CallError,
    },
    /// The time for all attempts is over.
    #[error("could not send to `{topic}` within {limit:?}")]
    Timeout {
        /// The topic.
        topic: TopicName,
        /// The time there was.
        limit: Duration,
    },
    /// Not sent: the limit of background sends in flight is reached.
    #[error("{limit} background sends are in flight already")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The broker did not take the message back: it is delivered already, or the call failed.
    #[error("could not call the message back from broker `{broker}`: {source}")]
    Recall {
        /// The broker that has the message.
        broker: String,
        /// Why not.
        source: CallError,
    },
    /// The text by which a message was to be called back is no handle.
    #[error("cannot call the message back: {0}")]
    Handle(#[source] RecallHandleError),
    /// The producer or its client was shut down.
    #[error("the producer is shut down")]
    ShutDown,
}

impl SendError {
    /// The kind, by who can do something about the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Message { .. }
            | Self::EmptyBatch
            | Self::NotSelected { .. }
            | Self::Handle(_) => ErrorKind::Message,
            Self::NoRoute(_) | Self::NoBroker(_) => ErrorKind::NoRoute,
            Self::Route { source, .. } => source.kind(),
            Self::Broker { source, .. } | Self::Recall { source, .. } => ErrorKind::of(source),
            Self::NotWritable(_) => ErrorKind::Refused,
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::TooMany { .. } | Self::EarlierPartFailed(_) => ErrorKind::Busy,
            Self::ShutDown => ErrorKind::ShutDown,
        }
    }

    /// Whether sending the same message again may succeed. After a timeout it may have been stored
    /// already, so that sending it again makes a duplicate.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Broker { source, .. } => may_succeed_elsewhere(source),
            Self::Recall { source, .. } => source.is_transport(),
            // A broker that is to be stopped takes nothing for a while.
            Self::NotWritable(_) => true,
            _ => self.kind().is_retryable(),
        }
    }
}

fn counted(attempts: u32) -> String {
    match attempts {
        1 => "1 attempt".to_owned(),
        several => format!("{several} attempts"),
    }
}

/// Whether another broker may accept the message (`DefaultMQProducerImpl`): after a transport
/// error, or a code that is about the broker and not about the message.
pub(in crate::client) fn may_succeed_elsewhere(error: &CallError) -> bool {
    const RETRY_CODES: &[i32] = &[
        ResponseCode::SYSTEM_ERROR.0,
        ResponseCode::SYSTEM_BUSY.0,
        ResponseCode::SERVICE_NOT_AVAILABLE.0,
        ResponseCode::NO_PERMISSION.0,
        ResponseCode::TOPIC_NOT_EXIST.0,
        204, // NO_BUYER_ID
        205, // NOT_IN_CURRENT_UNIT
        ResponseCode::GO_AWAY.0,
    ];
    match error.refusal() {
        Some(refusal) => RETRY_CODES.contains(&refusal.code.0),
        None => error.is_transport(),
    }
}
