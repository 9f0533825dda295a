//! The layer that logs a message that was not handled: one line for each failed attempt, and nowhere
//! else.

use std::sync::Arc;

use mq_core::message::{GroupName, TopicName};

use super::consume::Consume;
use super::retry::RetryRules;
use crate::listener::{ConsumeResult, Delivery, Listener};

/// Logs the failures of what lies further in.
pub(super) struct LogFailures<I> {
    listener: &'static str,
    topic: TopicName,
    group: GroupName,
    rules: Arc<RetryRules>,
    inner: I,
}

impl<I> LogFailures<I> {
    pub(super) fn new(
        listener: &Listener,
        group: GroupName,
        rules: Arc<RetryRules>,
        inner: I,
    ) -> Self {
        Self {
            listener: listener.name,
            topic: listener.topic.clone(),
            group,
            rules,
            inner,
        }
    }

    /// The name of the listener.
    pub(super) fn listener(&self) -> &'static str {
        self.listener
    }
}

impl<I: Consume> Consume for LogFailures<I> {
    async fn consume(&self, delivery: Delivery) -> ConsumeResult {
        let id = delivery.message.message_id();
        let failed = delivery.message.reconsume_times;
        let outcome = self.inner.consume(delivery).await;
        if let Err(error) = &outcome {
            tracing::warn!(
                listener = self.listener, topic = %self.topic, group = %self.group, id,
                attempt = self.rules.attempt(failed), next = self.rules.next(error.next(), failed),
                reason = error.reason(), "a message was not handled"
            );
        }
        outcome
    }
}
