//! What a message goes through between the builder and the client's producer.

use std::future::Future;
use std::time::Duration;

use mq_core::client::SendResult;
use mq_core::keyed_fifo::NextMayBegin;
use mq_core::message::Message;

use super::error::SendError;

/// A message as it will travel, and how it is to be sent.
#[derive(Debug)]
pub(super) struct PreparedSend {
    pub(super) message: Message,
    pub(super) options: SendOptions,
}

/// How a message is to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SendOptions {
    /// Messages of one key go to one queue.
    pub(super) hash_key: Option<String>,
    /// For all attempts together; `None` is the producer's.
    pub(super) timeout: Option<Duration>,
    /// Whether "stored but not flushed" is good enough.
    pub(super) accept_unflushed: bool,
    pub(super) mode: SendMode,
}

/// Who waits for the outcome of a send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SendMode {
    /// The caller.
    #[default]
    Awaited,
    /// A task of the application.
    InBackground,
    /// Nobody: the broker is asked for no answer.
    OneWay,
}

/// The producer, or a layer around what lies further in.
pub(super) trait Publish: Send + Sync {
    /// Sends a message; the outcome of a one-way message is `None`.
    ///
    /// `handed_over` is set by the producer when the client gets the message, which then keeps its
    /// order. Until then no later message to the same topic enters the layers.
    fn publish(
        &self,
        prepared: PreparedSend,
        handed_over: &NextMayBegin,
    ) -> impl Future<Output = Result<Option<SendResult>, SendError>> + Send;
}
