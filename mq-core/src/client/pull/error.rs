//! Why a queue could not be read.

use crate::client::consumer::fetch::FetchError;
use crate::client::consumer::offsets::CommitError;
use crate::client::error::{ErrorKind, RouteError};
use crate::client::filters::UnreadableFilter;
use crate::message::compression::CompressionError;
use crate::message::record::RecordError;
use crate::message::subscription::{SqlError, TagError};
use crate::message::{MessageQueue, QueueOffset, TopicName};
use crate::remoting::CallError;
use crate::saved_file::FileError;

/// Why a queue could not be read, or an offset not be looked up or committed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PullError {
    /// No broker has the topic.
    #[error("no broker has the topic `{0}`: create it, or send to it first")]
    NoTopic(TopicName),
    /// The topic could not be looked up.
    #[error("could not look up topic `{topic}`: {source}")]
    Route {
        /// The topic.
        topic: TopicName,
        /// Why not.
        source: RouteError,
    },
    /// No broker of that name has the topic.
    #[error("no broker is known for {0}")]
    NoBroker(MessageQueue),
    /// A tag expression names no tag.
    #[error("the filter of the pull is invalid: {0}")]
    Tags(#[source] TagError),
    /// A condition cannot be read.
    #[error("the condition of the pull cannot be read: {0}")]
    Condition(#[source] SqlError),
    /// A pull of no messages at all.
    #[error("a pull of 0 messages gets none: ask for 1 or more")]
    NoMessages,
    /// The broker did not answer, or it refused.
    #[error("could not {action} {queue}: {source}")]
    Broker {
        /// What was tried.
        action: &'static str,
        /// The queue.
        queue: Box<MessageQueue>,
        /// Why not.
        source: CallError,
    },
    /// The file with the offsets of a broadcasting group could not be written.
    #[error("could not save the offsets of a broadcasting group: {0}")]
    Offsets(#[source] FileError),
    /// The records in the response cannot be read.
    #[error("the records that broker `{broker}` sent cannot be read: {source}")]
    Records {
        /// The broker.
        broker: String,
        /// What is wrong with them.
        source: RecordError,
    },
    /// The body of the first message cannot be decompressed. To go on, pull from the offset behind it.
    #[error(
        "the body of the message at offset {offset} of {queue} cannot be decompressed: {source}"
    )]
    Body {
        /// The queue.
        queue: Box<MessageQueue>,
        /// The message's offset.
        offset: QueueOffset,
        /// What is wrong with the body.
        source: CompressionError,
    },
    /// The consumer or its client was shut down.
    #[error("the consumer is shut down")]
    ShutDown,
}

impl PullError {
    pub(in crate::client) fn of_pull(queue: &MessageQueue, error: FetchError) -> Self {
        match error {
            FetchError::Call(source) => Self::Broker {
                action: "pull from",
                queue: Box::new(queue.clone()),
                source,
            },
            FetchError::Records { broker, source, .. } => Self::Records { broker, source },
        }
    }

    pub(in crate::client) fn of_commit(queue: &MessageQueue, error: CommitError) -> Self {
        match error {
            CommitError::Broker(source) => Self::Broker {
                action: "commit an offset of",
                queue: Box::new(queue.clone()),
                source,
            },
            CommitError::File(source) => Self::Offsets(source),
        }
    }

    /// The kind, by who can do something about the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoTopic(_) | Self::NoBroker(_) => ErrorKind::NoRoute,
            Self::Route { source, .. } => source.kind(),
            Self::Tags(_) | Self::Condition(_) | Self::NoMessages => ErrorKind::Message,
            Self::Broker { source, .. } => ErrorKind::of(source),
            Self::Offsets(_) => ErrorKind::Disk,
            Self::Records { .. } | Self::Body { .. } => ErrorKind::Refused,
            Self::ShutDown => ErrorKind::ShutDown,
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.kind().is_retryable()
    }
}

impl From<UnreadableFilter> for PullError {
    fn from(filter: UnreadableFilter) -> Self {
        match filter {
            UnreadableFilter::Tags(source) => Self::Tags(source),
            UnreadableFilter::Condition(source) => Self::Condition(source),
        }
    }
}
