//! The kind that every error of the client has.

use crate::remoting::CallError;

/// The kind of an error, by who can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller: the message, or what was asked for, violates a rule and will never be accepted as it
    /// is.
    Message,
    /// The operator: no broker has the topic.
    NoRoute,
    /// The operator: no server responds.
    Unreachable,
    /// The operator: the disk of this program did not take what was to be saved.
    Disk,
    /// A broker refused for good.
    Refused,
    /// The time is over; the message may have been stored.
    Timeout,
    /// The caller: too many sends are in flight, or an earlier part of the batch failed.
    Busy,
    /// The client was shut down.
    ShutDown,
}

impl ErrorKind {
    /// Whether the same call may succeed later. After a timeout what was asked for may have been done
    /// already.
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::NoRoute | Self::Unreachable | Self::Disk | Self::Timeout | Self::Busy
        )
    }

    /// The kind of a failed call to a broker.
    pub(in crate::client) fn of(call: &CallError) -> Self {
        match call {
            CallError::Refused(_) | CallError::Frame(_) => Self::Refused,
            CallError::Timeout { .. } | CallError::Closed { .. } => Self::Timeout,
            CallError::Unknown { .. } => Self::NoRoute,
            _ => Self::Unreachable,
        }
    }
}
