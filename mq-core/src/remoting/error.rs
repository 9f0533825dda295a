//! Why a call brought no reply, and why a server cannot listen.

use std::io;
use std::time::Duration;

use crate::wire::{FieldError, FrameError, Refusal};

/// Why a server cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("could not listen on {address}: is the port taken, or the address not of this machine?")]
pub struct BindError {
    /// Where it was to listen.
    pub address: String,
    /// What the system says.
    pub source: io::Error,
}

/// Why a call brought no reply.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// Nobody answers at the address. Nothing was sent.
    #[error("could not connect to {address}")]
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
    /// The other side does not take what is sent to it. Nothing was sent.
    #[error("{address} does not read what is sent to it")]
    Busy {
        /// Who was asked.
        address: String,
    },
    /// The other side refused.
    #[error("refused")]
    Refused(#[source] Refusal),
    /// The request does not fit into a frame. Nothing was sent.
    #[error("the request does not fit into a frame")]
    Frame(#[source] FrameError),
    /// The answer lacks a field or has one that cannot be read.
    #[error("the answer cannot be read")]
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
