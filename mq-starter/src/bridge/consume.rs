//! What a message goes through between the consumer and its handler.

use std::future::Future;

use crate::listener::{ConsumeResult, Delivery, Handler};

/// The handler of a listener, or a layer around what lies further in.
///
/// A layer sees every attempt of every message of its listener. What it does before and after the
/// inner call belongs to that attempt: the consumer waits for the outermost layer's answer.
pub(super) trait Consume: Send + Sync {
    /// Takes one delivery and answers for it.
    fn consume(&self, delivery: Delivery) -> impl Future<Output = ConsumeResult> + Send;
}

impl Consume for Handler {
    fn consume(&self, delivery: Delivery) -> impl Future<Output = ConsumeResult> + Send {
        self.call(delivery)
    }
}
