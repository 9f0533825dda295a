//! Why a call failed, and why a server could not start to listen.
//!
//! `{}` prints an error with its cause; the cause is also its source.

use std::io;
use std::time::Duration;

use crate::wire::{FieldError, FrameError, Refusal};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No address of the server is known. The request was not sent.
    #[error("no address of `{server}` is known")]
    Unknown {
        /// Its name.
        server: String,
    },
    /// No connection could be made. The request was not sent.
    #[error("could not connect to {address}: {source}")]
    Connect {
        /// Where to.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// No response in time. The server may have processed the request.
    #[error("no answer from {address} within {limit:?}")]
    Timeout {
        /// Who was asked.
        address: String,
        /// The time limit.
        limit: Duration,
    },
    /// The connection closed before the response came. The server may have processed the request.
    #[error("the connection to {address} was closed")]
    Closed {
        /// Who was asked.
        address: String,
    },
    /// The queue of requests to the peer is full. The request was not sent.
    #[error("the send queue to {address} is full: earlier requests still wait to be sent")]
    Busy {
        /// Who was asked.
        address: String,
    },
    /// The peer refused the request.
    #[error("refused: {0}")]
    Refused(#[source] Refusal),
    /// The request is too long for a frame. It was not sent.
    #[error("the request does not fit into a frame: {0}")]
    Frame(#[source] FrameError),
    /// A field of the response is missing or cannot be read.
    #[error("the answer cannot be read: {0}")]
    Answer(#[source] FieldError),
}

impl CallError {
    /// The error of a call to a server of which only the name is known.
    #[cfg(any(test, feature = "client"))]
    pub(crate) fn unknown(server: &str) -> Self {
        Self::Unknown {
            server: server.to_owned(),
        }
    }

    /// The peer's refusal, if the error is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether the server was not reached or did not respond, so that another server may be tried.
    pub fn is_transport(&self) -> bool {
        matches!(
            self,
            Self::Unknown { .. }
                | Self::Connect { .. }
                | Self::Timeout { .. }
                | Self::Closed { .. }
                | Self::Busy { .. }
        )
    }
}

/// Why a server cannot listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Another program listens on the address.
    #[error("{address} is taken: stop the program that listens there, or choose another port")]
    Taken {
        /// Where.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The port needs privileges that the user does not have.
    #[error("{address} may not be used by this user: choose a port above 1023")]
    Denied {
        /// Where.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The address is not one of this machine's, or not an address at all.
    #[error("cannot listen on {address}, give an address of this machine as host:port: {source}")]
    Address {
        /// Where.
        address: String,
        /// What the system said.
        source: io::Error,
    },
}

impl BindError {
    /// Classifies the error of binding `address`.
    pub fn new(address: &str, source: io::Error) -> Self {
        let address = address.to_owned();
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::Taken { address, source },
            io::ErrorKind::PermissionDenied => Self::Denied { address, source },
            _ => Self::Address { address, source },
        }
    }
}
