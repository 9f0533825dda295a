//! Why an administrator's request failed.

use crate::client::browse::BrowseError;
use crate::client::error::{ErrorKind, RouteError};
use crate::client::filters::UnreadableFilter;
use crate::message::subscription::{SqlError, TagError};
use crate::message::{GroupName, MessageQueue, TopicName};
use crate::wire::fastjson::BodyError;

/// Why an administrator's request failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The brokers could not be looked up.
    #[error("could not look up the brokers: {0}")]
    Brokers(#[source] RouteError),
    /// No broker has registered with the name server.
    #[error("the name server knows no broker")]
    NoBroker,
    /// The cluster has no broker.
    #[error("no broker of the cluster `{name}` is known; there are: {known}")]
    NoCluster {
        /// The cluster.
        name: String,
        /// The clusters that have brokers, joined by `, `.
        known: String,
    },
    /// No broker has the topic.
    #[error("there is no topic `{0}`")]
    NoTopic(TopicName),
    /// No broker knows the group.
    #[error("there is no group `{0}`")]
    NoGroup(GroupName),
    /// The topic has no such queue.
    #[error("the topic `{}` has no queue `{}:{}`", .0.topic, .0.broker, .0.id)]
    NoQueue(MessageQueue),
    /// The topic has no such message.
    #[error("there is no message `{id}` in the topic `{topic}`")]
    NoMessage {
        /// The topic.
        topic: TopicName,
        /// The id.
        id: String,
    },
    /// The queue has no message at the offset.
    #[error(
        "{queue} has no message at the offset {offset}: it has {min} up to, but not including, {max}"
    )]
    NoOffset {
        /// The queue.
        queue: MessageQueue,
        /// The offset.
        offset: i64,
        /// The offset of the first message.
        min: i64,
        /// The offset behind the last message.
        max: i64,
    },
    /// The group has connected members.
    #[error("the group `{group}` has {members} connected members: stop them first")]
    InUse {
        /// The group.
        group: GroupName,
        /// How many.
        members: usize,
    },
    /// The topic is deleted on the brokers, but a name server may still list it.
    #[error("topic `{topic}` is deleted on the brokers, but not at a name server: {source}")]
    NotForgotten {
        /// The topic.
        topic: TopicName,
        /// Why not.
        source: RouteError,
    },
    /// The expression of tags cannot be read.
    #[error("the filter cannot be read: {0}")]
    Tags(#[source] TagError),
    /// The condition cannot be read.
    #[error("the condition cannot be read: {0}")]
    Condition(#[source] SqlError),
    /// A broker of RocketMQ 4 resets whole topics only while members are connected.
    #[error(
        "broker `{broker}` is of RocketMQ 4, which resets no single queue while members of the group \
         are connected: stop them, or reset the whole topic"
    )]
    WholeTopicsOnly {
        /// The broker.
        broker: String,
    },
    /// A broker could not be asked, or what it has could not be read.
    #[error(transparent)]
    Browse(#[from] BrowseError),
    /// The body of a response cannot be read.
    #[error("what broker `{broker}` answered cannot be read: {source}")]
    Body {
        /// The broker.
        broker: String,
        /// What is wrong with it.
        source: BodyError,
    },
}

impl AdminError {
    /// The kind, by who can do something about the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Brokers(source) | Self::NotForgotten { source, .. } => source.kind(),
            Self::Browse(source) => source.kind(),
            Self::NoBroker | Self::NoCluster { .. } | Self::NoTopic(_) | Self::NoGroup(_) => {
                ErrorKind::NoRoute
            }
            Self::NoQueue(_)
            | Self::NoMessage { .. }
            | Self::NoOffset { .. }
            | Self::Tags(_)
            | Self::Condition(_) => ErrorKind::Message,
            Self::InUse { .. } | Self::WholeTopicsOnly { .. } | Self::Body { .. } => {
                ErrorKind::Refused
            }
        }
    }
}

impl From<UnreadableFilter> for AdminError {
    fn from(filter: UnreadableFilter) -> Self {
        match filter {
            UnreadableFilter::Tags(source) => Self::Tags(source),
            UnreadableFilter::Condition(source) => Self::Condition(source),
        }
    }
}
