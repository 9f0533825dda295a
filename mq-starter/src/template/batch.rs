//! A batch being written. What a batch cannot have, such as a delay, it has no method for.

use std::time::Duration;

use bytes::Bytes;
use mq_core::client::Target;
use serde::Serialize;

use super::draft::MessageDraft;
use super::error::SendError;
use super::parts::{BatchError, SentPart};
use super::publish::{PreparedBatch, PreparedSend};
use super::sender::Sender;

/// A batch being written; see [`RocketMQTemplate::batch`](crate::RocketMQTemplate::batch).
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct BatchBuilder<'a> {
    sender: &'a Sender,
    draft: Result<BatchDraft, BatchError>,
}

#[derive(Debug)]
struct BatchDraft {
    /// What every message begins as.
    first: MessageDraft,
    batch: PreparedBatch,
}

/// One message of a batch being written.
#[derive(Debug)]
#[must_use = "the batch has what is returned to it"]
pub struct BatchEntry(Result<MessageDraft, SendError>);

impl<'a> BatchBuilder<'a> {
    pub(super) fn new(sender: &'a Sender, destination: &str) -> Self {
        let draft = MessageDraft::to(destination).map_err(BatchError::Refused);
        let draft = draft.map(|first| BatchDraft {
            batch: PreparedBatch::new(first.topic().clone()),
            first,
        });
        Self { sender, draft }
    }

    /// Adds a message: text and bytes as they are, everything else as JSON.
    pub fn push<T: Serialize + ?Sized>(self, payload: &T) -> Self {
        self.push_with(payload, |entry| entry)
    }

    /// Adds a message with more than a payload.
    ///
    /// ```no_run
    /// # async fn example(template: mq_starter::RocketMQTemplate) -> mq_starter::Result<()> {
    /// let batch = template.batch("orders:paid").push("the first");
    /// batch.push_with("the second", |entry| entry.key("42").header("locale", "en")).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn push_with<T: Serialize + ?Sized>(
        self,
        payload: &T,
        write: impl FnOnce(BatchEntry) -> BatchEntry,
    ) -> Self {
        self.with(|draft| {
            let entry = BatchEntry(Ok(draft.first.clone()));
            let entry = write(entry.with(|message| message.payload(payload)));
            let prepared = entry.0.and_then(MessageDraft::finish);
            let messages = &mut draft.batch.messages;
            let PreparedSend { message, .. } = prepared.map_err(|source| BatchError::Message {
                position: messages.len(),
                source,
            })?;
            messages.push(message);
            Ok(())
        })
    }

    /// All messages go to the queue of this key, in their order; it is the queue that Java's clients
    /// choose (`SelectMessageQueueByHash`).
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a key is a number, a text, an id"
    )]
    pub fn hash_key(self, key: impl ToString) -> Self {
        self.target(Target::Hash(key.to_string()))
    }

    /// Which queue each request goes to; without it, each to the next one.
    pub fn target(self, target: Target) -> Self {
        self.with(|draft| {
            draft.batch.options.target = target;
            Ok(())
        })
    }

    /// How long all attempts of one request may take; without it, the producer's setting.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|draft| {
            draft.batch.options.timeout = Some(timeout);
            Ok(())
        })
    }

    /// Takes "stored, but not yet flushed or copied" for success.
    pub fn accept_unflushed(self) -> Self {
        self.with(|draft| {
            draft.batch.options.accept_unflushed = true;
            Ok(())
        })
    }

    /// Sends the messages in their order, in as few requests as their sizes allow, and says where each
    /// request's messages are.
    ///
    /// A request that fails does not keep the later ones from being sent, unless all go to one queue.
    ///
    /// # Errors
    ///
    /// [`BatchError::Message`] for the first mistake made while it was written, or [`BatchError::Refused`] for
    /// a rule that it breaks: nothing was sent. [`BatchError::Parts`] when a request failed: it has every request's outcome.
    pub async fn send(self) -> Result<Vec<SentPart>, BatchError> {
        let batch = self.draft?.batch;
        let parts = self.sender.send_batch(batch).await;
        BatchError::unless_all_are_stored(parts.map_err(BatchError::Refused)?)
    }

    fn with(mut self, change: impl FnOnce(&mut BatchDraft) -> Result<(), BatchError>) -> Self {
        if let Ok(draft) = &mut self.draft
            && let Err(error) = change(draft)
        {
            self.draft = Err(error);
        }
        self
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "keys and headers are given as callers have them: numbers, texts, ids"
)]
impl BatchEntry {
    /// The body in place of the payload, as it is to travel.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        self.with(|message| {
            message.body(body.into());
            Ok(())
        })
    }

    /// A key under which the message can be found; may be said several times.
    pub fn key(self, key: impl ToString) -> Self {
        self.with(|message| message.key(key.to_string()))
    }

    /// A header, which is a user property on the wire. Names of RocketMQ's own are refused.
    pub fn header(self, name: &str, value: impl ToString) -> Self {
        self.with(|message| message.header(name, &value.to_string()))
    }

    fn with(self, change: impl FnOnce(&mut MessageDraft) -> Result<(), SendError>) -> Self {
        Self(self.0.and_then(|mut message| {
            change(&mut message)?;
            Ok(message)
        }))
    }
}
