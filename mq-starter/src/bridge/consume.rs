//! What messages go through between the consumer and their handler.

use std::future::Future;

use crate::listener::{
    BatchDelivery, BatchHandler, ConsumeError, ConsumeResult, Delivery, Handler,
};

/// The handler of a listener, or a layer around what lies further in. `D` is what a listener gets in
/// one call.
///
/// A layer sees every attempt of every message of its listener. What it does before and after the
/// inner call belongs to that attempt: the consumer waits for the outermost layer's answer.
pub(super) trait Consume<D: Delivered>: Send + Sync {
    /// Takes one delivery and answers for it.
    fn consume(&self, delivery: D) -> impl Future<Output = D::Answer> + Send;
}

/// What a listener gets in one call.
pub(super) trait Delivered: Send + 'static {
    /// What is answered for it.
    type Answer: Send + 'static;

    /// The id of the message, or of the first one.
    fn message_id(&self) -> String;

    /// How many messages it has.
    fn count(&self) -> usize;

    /// The answer for `count` messages when no handler gave one.
    fn unanswered(count: usize, error: ConsumeError) -> Self::Answer;
}

impl Delivered for Delivery {
    type Answer = ConsumeResult;

    fn message_id(&self) -> String {
        self.message.message_id()
    }

    fn count(&self) -> usize {
        1
    }

    fn unanswered(_one: usize, error: ConsumeError) -> ConsumeResult {
        Err(error)
    }
}

/// A result for each message; see [`BatchHandler::call`].
impl Delivered for BatchDelivery {
    type Answer = Vec<ConsumeResult>;

    fn message_id(&self) -> String {
        let first = self.messages.first();
        first
            .map(|message| message.message_id())
            .unwrap_or_default()
    }

    fn count(&self) -> usize {
        self.messages.len()
    }

    fn unanswered(count: usize, error: ConsumeError) -> Vec<ConsumeResult> {
        vec![Err(error); count]
    }
}

impl Consume<Delivery> for Handler {
    fn consume(&self, delivery: Delivery) -> impl Future<Output = ConsumeResult> + Send {
        self.call(delivery)
    }
}

impl Consume<BatchDelivery> for BatchHandler {
    fn consume(&self, delivery: BatchDelivery) -> impl Future<Output = Vec<ConsumeResult>> + Send {
        self.call(delivery)
    }
}
