//! Why a topic could not be looked up.

use super::kind::ErrorKind;
use crate::remoting::CallError;
use crate::wire::Refusal;
use crate::wire::fastjson::BodyError;

/// Why a route could not be looked up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// No name server of the list responded; the source is the error of the last one.
    #[error("no name server responds ({addresses}): {source}")]
    Unreachable {
        /// All name servers that were tried.
        addresses: String,
        /// The error of the last one.
        source: CallError,
    },
    /// A name server refused.
    #[error("the name server refused: {0}")]
    Refused(#[source] Refusal),
    /// The response cannot be read.
    #[error("the name server's response cannot be read: {0}")]
    Answer(#[source] BodyError),
    /// No address of a name server was given.
    #[error("no name server is known: give at least one host:port")]
    NoNameServer,
}

impl RouteError {
    /// The kind, by who can do something about the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused(_) => ErrorKind::Refused,
            _ => ErrorKind::Unreachable,
        }
    }
}
