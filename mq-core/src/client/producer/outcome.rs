//! The result of a send.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::client::error::SendError;
use crate::message::{MessageQueue, QueueOffset};
use crate::wire::ResponseCode;

/// Where a message was stored, and how durably (`SendResult`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendResult {
    /// How durably it is stored.
    pub status: SendStatus,
    /// The unique id of the message; those of a batch are joined by `,`.
    pub message_id: String,
    /// The offset message id: broker address and physical offset; those of a batch are joined by
    /// `,`.
    pub offset_message_id: String,
    /// The queue it was stored in.
    pub queue: MessageQueue,
    /// Its queue offset; of a batch, the first message's.
    pub queue_offset: QueueOffset,
    /// The unique id as the broker gives it back.
    pub transaction_id: Option<String>,
    /// The broker's region.
    pub region: String,
    /// With which a message that waits for its time is called back.
    pub recall_handle: Option<String>,
}

/// How durably a message is stored (`SendStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendStatus {
    /// As durably as the broker is configured for.
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

/// The outcome of a background send: await it, or drop it without cancelling the send.
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
