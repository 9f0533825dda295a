//! Why dead letters could not be read or sent again.

use crate::client::browse::BrowseError;
use crate::client::error::{ErrorKind, SendError};
use crate::message::{GroupName, TopicName};

/// Why dead letters could not be read or sent again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeadLetterError {
    /// A broker could not be asked, or what it has could not be read.
    #[error(transparent)]
    Browse(#[from] BrowseError),
    /// The group has neither a retry topic nor a dead-letter topic.
    #[error(
        "no broker knows the group `{0}`: it has no retry topic, which its first consumer creates, \
         and no dead letters"
    )]
    NoGroup(GroupName),
    /// The group has dead letters, but its retry topic is gone, so that nobody would get what is sent
    /// there.
    #[error(
        "the group `{0}` is gone: it has dead letters, but no retry topic any more; start a consumer \
         of the group, or send to the original topic"
    )]
    GroupGone(GroupName),
    /// Another client has been sending dead letters of the group again for all the time that a call may
    /// wait, or was killed while it did.
    #[error(
        "dead letters of the group `{0}` are being sent again elsewhere, or were until somebody was \
         killed: wait a minute"
    )]
    InUse(GroupName),
    /// The group has no dead letter of this id.
    #[error("no dead letter of the group `{group}` has the id `{id}`")]
    NoSuchLetter {
        /// The group.
        group: GroupName,
        /// The id.
        id: String,
    },
    /// The id is that of a message of another topic.
    #[error(
        "message `{id}` is no dead letter of the group `{group}`: it lies in the topic `{topic}`"
    )]
    NotADeadLetter {
        /// The group.
        group: GroupName,
        /// The id.
        id: String,
        /// Where the message lies.
        topic: TopicName,
    },
    /// The dead letter does not say which topic it was first sent to.
    #[error("dead letter `{id}` does not say which topic it was first sent to")]
    NoOrigin {
        /// The id.
        id: String,
    },
    /// The topic that the dead letter was first sent to is gone; sending could create it again.
    #[error(
        "the topic `{topic}`, which dead letter `{id}` was first sent to, is gone: create it, or send \
         to the group"
    )]
    OriginGone {
        /// The id.
        id: String,
        /// The topic.
        topic: TopicName,
    },
    /// No broker takes messages of the topic.
    #[error(
        "dead letter `{id}` cannot be sent to the topic `{topic}`: no broker takes messages of that \
         topic, it is write-protected"
    )]
    WriteProtected {
        /// The id.
        id: String,
        /// The topic.
        topic: TopicName,
    },
    /// The dead letter was not sent again. After a timeout it may have been.
    #[error("dead letter `{id}` was not sent again: {source}")]
    Send {
        /// The id.
        id: String,
        /// Why not.
        source: SendError,
    },
}

impl DeadLetterError {
    /// The kind, by who can do something about the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Browse(source) => source.kind(),
            Self::NoGroup(_) | Self::GroupGone(_) | Self::OriginGone { .. } => ErrorKind::NoRoute,
            Self::NoSuchLetter { .. } | Self::NotADeadLetter { .. } | Self::NoOrigin { .. } => {
                ErrorKind::Message
            }
            Self::WriteProtected { .. } => ErrorKind::Refused,
            Self::InUse(_) => ErrorKind::Busy,
            Self::Send { source, .. } => source.kind(),
        }
    }
}
