//! What a message or a batch goes through between the builder and the client's producer.

use std::future::Future;
use std::time::Duration;

use mq_core::client::{SendResult, Target};
use mq_core::keyed_fifo::NextMayBegin;
use mq_core::message::{Message, TopicName};

use super::error::SendError;
use super::parts::SentPart;

/// A message as it will travel, and how it is to be sent.
#[derive(Debug)]
pub(super) struct PreparedSend {
    pub(super) message: Message,
    pub(super) options: SendOptions,
}

/// Messages of one topic that travel in as few requests as their sizes allow.
#[derive(Debug)]
pub(super) struct PreparedBatch {
    topic: TopicName,
    pub(super) messages: Vec<Message>,
    pub(super) options: SendOptions,
}

impl PreparedBatch {
    /// No message yet.
    pub(super) fn new(topic: TopicName) -> Self {
        Self {
            topic,
            messages: Vec::new(),
            options: SendOptions::default(),
        }
    }
}

/// How a message is to be sent.
#[derive(Clone, Debug, Default)]
pub(super) struct SendOptions {
    /// Which queue.
    pub(super) target: Target,
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

/// What is sent: a message or a batch.
pub(super) trait Outgoing: Send {
    /// What is known of it when it was sent.
    type Sent;

    /// Where it goes.
    fn topic(&self) -> &TopicName;
}

/// The result of a one-way message is `None`.
impl Outgoing for PreparedSend {
    type Sent = Option<SendResult>;

    fn topic(&self) -> &TopicName {
        &self.message.topic
    }
}

impl Outgoing for PreparedBatch {
    type Sent = Vec<SentPart>;

    fn topic(&self) -> &TopicName {
        &self.topic
    }
}

/// The producer, or a layer around what lies further in.
pub(super) trait Publish<S: Outgoing>: Send + Sync {
    /// Sends a message or a batch.
    ///
    /// `handed_over` is set by the producer when the client gets the message, which then keeps its
    /// order. Until then no later message to the same topic enters the layers.
    fn publish(
        &self,
        prepared: S,
        handed_over: &NextMayBegin,
    ) -> impl Future<Output = Result<S::Sent, SendError>> + Send;
}
