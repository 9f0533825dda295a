//! The messages that a batch listener gets in one call.

use std::ops::Deref;

use crate::message::MessageExt;

/// Messages of one topic and queue in their order, at least one: what a batch listener takes.
///
/// Messages whose bodies are no `T` are not among them: the listener's `on_decode_error` says what becomes
/// of them.
///
/// It is a slice of its messages:
///
/// ```
/// # use mq_starter::{Batch, BatchOutcomes, BatchResult, ConsumeError};
/// fn store(rows: Batch<u32>) -> BatchResult {
///     let mut outcomes = BatchOutcomes::default();
///     for row in &rows {
///         if **row == 0 {
///             outcomes.fail(row, ConsumeError::dead_letter("a row of 0 will never do"));
///         }
///     }
///     Ok(outcomes)
/// }
/// ```
#[derive(Debug)]
pub struct Batch<T> {
    messages: Vec<BatchMessage<T>>,
    in_order: bool,
}

/// One message of a batch: its payload, and the whole message.
#[derive(Debug)]
pub struct BatchMessage<T> {
    payload: T,
    message: MessageExt,
    position: usize,
}

impl<T> Batch<T> {
    pub(super) fn new(messages: Vec<BatchMessage<T>>, in_order: bool) -> Self {
        Self { messages, in_order }
    }

    /// The payloads in their order, for code that needs them alone.
    pub fn payloads(&self) -> impl Iterator<Item = &T> {
        self.messages.iter().map(BatchMessage::payload)
    }

    /// Whether no message may be handled before the one before it.
    pub(super) fn in_order(&self) -> bool {
        self.in_order
    }
}

impl<T> Deref for Batch<T> {
    type Target = [BatchMessage<T>];

    fn deref(&self) -> &Self::Target {
        &self.messages
    }
}

impl<T> IntoIterator for Batch<T> {
    type Item = BatchMessage<T>;
    type IntoIter = std::vec::IntoIter<BatchMessage<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.messages.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Batch<T> {
    type Item = &'a BatchMessage<T>;
    type IntoIter = std::slice::Iter<'a, BatchMessage<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.messages.iter()
    }
}

/// A batch for the unit test of a listener.
impl<T> FromIterator<(T, MessageExt)> for Batch<T> {
    fn from_iter<I: IntoIterator<Item = (T, MessageExt)>>(messages: I) -> Self {
        let numbered = messages.into_iter().enumerate();
        let messages = numbered
            .map(|(position, (payload, message))| BatchMessage::new(payload, message, position));
        Self::new(messages.collect(), false)
    }
}

impl<T> BatchMessage<T> {
    pub(super) fn new(payload: T, message: MessageExt, position: usize) -> Self {
        Self {
            payload,
            message,
            position,
        }
    }

    /// What the body was decoded to.
    pub fn payload(&self) -> &T {
        &self.payload
    }

    /// The payload as the caller's own.
    pub fn into_payload(self) -> T {
        self.payload
    }

    /// The whole message: keys, headers, attempts.
    pub fn message(&self) -> &MessageExt {
        &self.message
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }
}

impl<T> Deref for BatchMessage<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.payload
    }
}
