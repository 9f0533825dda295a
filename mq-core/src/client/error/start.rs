//! Why a client, producer or consumer could not start, or a consumer not subscribe.

use super::kind::ErrorKind;
use crate::message::subscription::{SqlError, TagError};
use crate::message::{GroupName, TopicName};
use crate::saved_file::FileError;
use crate::wire::Refusal;

/// Why a consumer cannot subscribe to a topic.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// A tag expression names no tag.
    #[error("the subscription of topic `{topic}` is invalid: {source}")]
    Tags {
        /// The topic.
        topic: TopicName,
        /// What is wrong with it.
        source: TagError,
    },
    /// A condition cannot be read.
    #[error("the condition of the subscription of topic `{topic}` cannot be read: {source}")]
    Condition {
        /// The topic.
        topic: TopicName,
        /// What is wrong with it, and where.
        source: SqlError,
    },
    /// The broker does not accept the filter.
    #[error("the broker does not accept the filter of topic `{topic}`: {source}")]
    Refused {
        /// The topic.
        topic: TopicName,
        /// What the broker says.
        source: Refusal,
    },
    /// The consumer was started with queues of the application's choice.
    #[error(
        "the consumer of group `{0}` reads the queues that it was given: start one without queues to \
         subscribe to topics"
    )]
    QueuesChosen(GroupName),
    /// The consumer or its client was shut down.
    #[error("the consumer is shut down")]
    ShutDown,
}

impl SubscribeError {
    /// The kind, by who can do something about the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Tags { .. } | Self::Condition { .. } | Self::QueuesChosen(_) => {
                ErrorKind::Message
            }
            Self::Refused { .. } => ErrorKind::Refused,
            Self::ShutDown => ErrorKind::ShutDown,
        }
    }
}

/// Why a client, producer or consumer could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// No address of a name server was given.
    #[error("no name server is known: give at least one host:port")]
    NoNameServer,
    /// The group's name is reserved.
    #[error("the group name `{0}` is reserved by RocketMQ: choose another name")]
    ReservedGroup(GroupName),
    /// A client has at most one producer and one consumer of a group.
    #[error("this client has a {role} of group `{group}` already")]
    GroupTaken {
        /// `producer` or `consumer`.
        role: &'static str,
        /// The group.
        group: GroupName,
    },
    /// The consumer has no subscription.
    #[error("the consumer of group `{0}` has no subscription")]
    NoSubscription(GroupName),
    /// A topic cannot be subscribed to.
    #[error(transparent)]
    Subscription(#[from] SubscribeError),
    /// A setting is out of its range.
    #[error("{name} is {found}, but must be {allowed}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What it is.
        found: u64,
        /// What it may be.
        allowed: &'static str,
    },
    /// The offsets of a broadcasting group cannot be read.
    #[error("could not read the offsets of a broadcasting group: {0}")]
    Offsets(#[source] FileError),
    /// The client was shut down.
    #[error("the client is shut down")]
    ShutDown,
}
