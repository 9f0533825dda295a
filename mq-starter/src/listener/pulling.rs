//! How the messages of a group are fetched: how often, how many, and how many may wait.
//!
//! Invariant: what nobody says is left to the client.

use std::time::Duration;

use mq_core::client::ConsumerConfig;

use super::attributes::{Attributes, LiteralOrPlaceholder};

const MIB: usize = 1024 * 1024;

/// What listeners say of how messages are fetched; `None`: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pulling {
    interval_ms: Option<i32>,
    batch_size: Option<i32>,
    queue_messages: Option<i32>,
    queue_mib: Option<i32>,
    topic_messages: Option<i32>,
    topic_mib: Option<i32>,
    span: Option<i32>,
}

impl Pulling {
    /// What one listener says, as `number` reads it.
    pub(super) fn read(
        says: &Attributes,
        mut number: impl FnMut(&'static str, Option<LiteralOrPlaceholder<i32>>) -> Option<i32>,
    ) -> Self {
        Self {
            interval_ms: number("pull_interval", says.pull_interval),
            batch_size: number("pull_batch_size", says.pull_batch_size),
            queue_messages: number("pull_threshold_for_queue", says.pull_threshold_for_queue),
            queue_mib: number(
                "pull_threshold_size_for_queue",
                says.pull_threshold_size_for_queue,
            ),
            topic_messages: number("pull_threshold_for_topic", says.pull_threshold_for_topic),
            topic_mib: number(
                "pull_threshold_size_for_topic",
                says.pull_threshold_size_for_topic,
            ),
            span: number(
                "consume_concurrently_max_span",
                says.consume_concurrently_max_span,
            ),
        }
    }

    /// What the listeners of a group say together; `on` gives what they agree on.
    pub(super) fn agreed(
        mut on: impl FnMut(&'static str, fn(&Self) -> Option<i32>) -> Option<i32>,
    ) -> Self {
        Self {
            interval_ms: on("pull_interval", |pulling| pulling.interval_ms),
            batch_size: on("pull_batch_size", |pulling| pulling.batch_size),
            queue_messages: on("pull_threshold_for_queue", |pulling| pulling.queue_messages),
            queue_mib: on("pull_threshold_size_for_queue", |pulling| pulling.queue_mib),
            topic_messages: on("pull_threshold_for_topic", |pulling| pulling.topic_messages),
            topic_mib: on("pull_threshold_size_for_topic", |pulling| pulling.topic_mib),
            span: on("consume_concurrently_max_span", |pulling| pulling.span),
        }
    }

    /// Whether anything is said of the span.
    pub(super) fn has_span(&self) -> bool {
        self.span.is_some()
    }

    /// Sets what is said.
    pub(crate) fn apply(&self, config: &mut ConsumerConfig) {
        let number = |said: Option<i32>| said.and_then(|number| usize::try_from(number).ok());
        let bytes = |mib: Option<i32>| number(mib).map(|mib| mib * MIB);
        if let Some(ms) = self.interval_ms.and_then(|ms| u64::try_from(ms).ok()) {
            config.pull_interval = Duration::from_millis(ms);
        }
        if let Some(size) = self.batch_size.and_then(|size| u16::try_from(size).ok()) {
            config.pull_batch_size = size;
        }
        if let Some(messages) = number(self.queue_messages) {
            config.flow.messages = messages;
        }
        if let Some(bytes) = bytes(self.queue_mib) {
            config.flow.bytes = bytes;
        }
        if let Some(span) = self.span.and_then(|span| u64::try_from(span).ok()) {
            config.flow.span = span;
        }
        config.topic_flow.messages = number(self.topic_messages);
        config.topic_flow.bytes = bytes(self.topic_mib);
    }
}
