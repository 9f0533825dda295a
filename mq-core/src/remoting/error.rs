//! Why a call brought no reply, and why a server could not start to listen.
//!
//! Printed with `{}` each tells its causes too; they are still there as sources.

use std::io;
use std::time::Duration;

use crate::wire::{FieldError, FrameError, Refusal};

/// Why a call brought no reply.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// Nobody answers at the address. Nothing was sent.
    #[error("could not connect to {address}: {source}")]
    Connect {
        /// Where to.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// No answer in time. The request may have been carried out.
    #[error("no answer from {address} within {limit:?}")]
    Timeout {
        /// Who was asked.
        address: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The connection ended before the answer came. The request may have been carried out.
    #[error("the connection to {address} was closed")]
    Closed {
        /// Who was asked.
        address: String,
    },
    /// Earlier requests still wait for the connection, or for the other side to read. Nothing was sent.
    #[error("{address} takes no request: earlier ones still wait to be sent to it")]
    Busy {
        /// Who was asked.
        address: String,
    },
    /// The other side refused.
    #[error("refused: {0}")]
    Refused(#[source] Refusal),
    /// The request does not fit into a frame. Nothing was sent.
    #[error("the request does not fit into a frame: {0}")]
    Frame(#[source] FrameError),
    /// The answer lacks a field or has one that cannot be read.
    #[error("the answer cannot be read: {0}")]
    Answer(#[source] FieldError),
}

impl CallError {
    /// The refusal, when it was one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether the other side was not reached or fell silent, so that another one may be asked.
    pub fn is_transport(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. } | Self::Timeout { .. } | Self::Closed { .. } | Self::Busy { .. }
        )
    }
}

/// Why a server cannot listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Somebody else listens there.
    #[error("{address} is taken: stop the program that listens there, or choose another port")]
    Taken {
        /// Where.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The port is not for everybody.
    #[error("{address} may not be used by this user: choose a port above 1023")]
    Denied {
        /// Where.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The address is none of this machine's, or not one at all.
    #[error("cannot listen on {address}, give an address of this machine as host:port: {source}")]
    Address {
        /// Where.
        address: String,
        /// What the system said.
        source: io::Error,
    },
}

impl BindError {
    /// What `source` means for whoever wanted to listen on `address`.
    pub fn new(address: &str, source: io::Error) -> Self {
        let address = address.to_owned();
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::Taken { address, source },
            io::ErrorKind::PermissionDenied => Self::Denied { address, source },
            _ => Self::Address { address, source },
        }
    }
}
