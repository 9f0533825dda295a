//! What a send gives back.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::client::error::SendError;
use crate::message::{MessageQueue, QueueOffset};
use crate::wire::ResponseCode;

/// Where and how safely a message was stored (`SendResult`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the status says how safely the message is stored"]
pub struct SendResult {
    /// How safely it is stored.
    pub status: SendStatus,
    /// The unique id of the message; those of a batch are joined by `,`.
    pub message_id: String,
    /// The id that names its place in the broker's commit log; those of a batch joined by `,`.
    pub offset_message_id: String,
    /// The queue it lies in.
    pub queue: MessageQueue,
    /// Its number there; of a batch, the first.
    pub queue_offset: QueueOffset,
    /// The unique id as the broker gives it back.
    pub transaction_id: Option<String>,
    /// The broker's region.
    pub region: String,
}

/// How safely a message is stored (`SendStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendStatus {
    /// As the broker promises.
    Ok,
    /// The disk did not confirm in time.
    FlushDiskTimeout,
    /// The replica did not confirm in time.
    FlushSlaveTimeout,
    /// There is no replica.
    SlaveNotAvailable,
}

impl SendStatus {
    pub(super) fn from_code(code: ResponseCode) -> Self {
        match code {
            ResponseCode::FLUSH_DISK_TIMEOUT => Self::FlushDiskTimeout,
            ResponseCode::FLUSH_SLAVE_TIMEOUT => Self::FlushSlaveTimeout,
            ResponseCode::SLAVE_NOT_AVAILABLE => Self::SlaveNotAvailable,
            _ => Self::Ok,
        }
    }
}

/// The name as Java spells it.
impl fmt::Display for SendStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "SEND_OK",
            Self::FlushDiskTimeout => "FLUSH_DISK_TIMEOUT",
            Self::FlushSlaveTimeout => "FLUSH_SLAVE_TIMEOUT",
            Self::SlaveNotAvailable => "SLAVE_NOT_AVAILABLE",
        })
    }
}

/// The outcome of a send in the background; wait for it or let it go.
#[derive(Debug)]
#[must_use = "the outcome tells whether the message was stored"]
pub struct SendHandle(oneshot::Receiver<Result<SendResult, SendError>>);

impl SendHandle {
    pub(super) fn new() -> (oneshot::Sender<Result<SendResult, SendError>>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }
}

impl Future for SendHandle {
    type Output = Result<SendResult, SendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let received = Pin::new(&mut self.0).poll(context);
        received.map(|outcome| outcome.unwrap_or(Err(SendError::ShutDown)))
    }
}
