//! Why a broker could not be asked.

use crate::client::error::{ErrorKind, RouteError};
use crate::message::TopicName;
use crate::message::record::RecordError;
use crate::remoting::CallError;

/// Why a broker could not be asked, or what it has could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrowseError {
    /// The name server could not be asked for a topic.
    #[error("could not look up topic `{topic}`: {source}")]
    Route {
        /// The topic.
        topic: TopicName,
        /// Why not.
        source: RouteError,
    },
    /// A broker did not answer, or it refused.
    #[error("could not {action} on broker `{broker}`: {source}")]
    Broker {
        /// What was tried.
        action: &'static str,
        /// The broker.
        broker: String,
        /// Why not.
        source: CallError,
    },
    /// The records in a response cannot be read.
    #[error("the records that broker `{broker}` sent cannot be read: {source}")]
    Records {
        /// The broker.
        broker: String,
        /// What is wrong with them.
        source: RecordError,
    },
}

impl BrowseError {
    /// The kind, by who can do something about the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Route { source, .. } => source.kind(),
            Self::Broker { source, .. } => ErrorKind::of(source),
            Self::Records { .. } => ErrorKind::Refused,
        }
    }
}
