//! One builder for every combination of what a message may have.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use mq_core::client::{SendResult, Target};
use mq_core::message::{Later, Message};
use serde::Serialize;

use super::draft::MessageDraft;
use super::error::{RequestError, SendError};
use super::handle::SendHandle;
use super::publish::PreparedSend;
use super::sender::Sender;
use crate::payload::Payload;
use crate::transaction::{
    self, DeclaredTransactionListener, LocalTransactionState, Message as TransactionMessage,
    Transaction, TransactionSendResult,
};

/// A message being written; see [`RocketMQTemplate::message`](crate::RocketMQTemplate::message).
#[derive(Debug)]
#[must_use = "nothing is sent before `send`, `spawn` or `send_one_way`"]
pub struct MessageBuilder<'a> {
    sender: &'a Sender,
    draft: Result<MessageDraft, SendError>,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "keys and headers are given as callers have them: numbers, texts, ids"
)]
impl<'a> MessageBuilder<'a> {
    pub(super) fn new(sender: &'a Sender, destination: &str) -> Self {
        Self {
            sender,
            draft: MessageDraft::to(destination),
        }
    }

    /// The payload: text and bytes as they are, everything else as JSON.
    pub fn payload<T: Serialize + ?Sized>(self, payload: &T) -> Self {
        self.with(|draft| draft.payload(payload))
    }

    /// The body, as it is to travel.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        self.with(|draft| {
            draft.body(body.into());
            Ok(())
        })
    }

    /// A key under which the message can be found; may be said several times.
    pub fn key(self, key: impl ToString) -> Self {
        self.with(|draft| draft.key(key.to_string()))
    }

    /// A header, which is a user property on the wire. Names of RocketMQ's own are refused.
    pub fn header(self, name: &str, value: impl ToString) -> Self {
        self.with(|draft| draft.header(name, &value.to_string()))
    }

    /// Messages with one hash key go to one queue, where they keep their order; it is the queue
    /// that Java's clients choose (`SelectMessageQueueByHash`).
    pub fn hash_key(self, key: impl ToString) -> Self {
        self.target(Target::Hash(key.to_string()))
    }

    /// Which queue it goes to: one that a closure chooses, a random one, one of a machine room; without it,
    /// the next one.
    ///
    /// ```no_run
    /// # use mq_starter::Target;
    /// # async fn example(template: mq_starter::RocketMQTemplate) -> mq_starter::Result<()> {
    /// let last = Target::chosen(|queues| queues.len().checked_sub(1));
    /// let message = template.message("orders").payload("to the last queue");
    /// let sent = message.target(last).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn target(self, target: Target) -> Self {
        self.with(|draft| {
            draft.options.target = target;
            Ok(())
        })
    }

    /// Has it delivered after `delay`, to the millisecond. A broker of RocketMQ 4 knows the delays of its
    /// levels only; for another one, sending is an error there.
    pub fn delay(self, delay: Duration) -> Self {
        self.with(|draft| draft.later(Later::After(delay)))
    }

    /// Has it delivered at `time`, at once if that is over. Brokers of RocketMQ 4 cannot; sending is an
    /// error there.
    pub fn deliver_at(self, time: impl Into<SystemTime>) -> Self {
        let time_ms = since_1970(time.into());
        self.with(|draft| draft.later(Later::At(time_ms)))
    }

    /// Has it delivered after the delay of a level of the broker's table, `1s 5s 10s 30s 1m …` as a rule;
    /// levels count from 1, and one above the table means its last.
    pub fn delay_level(self, level: u32) -> Self {
        self.with(|draft| draft.later(Later::Level(level)))
    }

    pub(super) fn deliver_at_ms(self, time_ms: i64) -> Self {
        self.with(|draft| draft.later(Later::At(time_ms)))
    }

    /// How long all attempts together may take; without it, the producer's setting.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|draft| {
            draft.options.timeout = Some(timeout);
            Ok(())
        })
    }

    /// Takes "stored, but not yet flushed or copied" for success.
    pub fn accept_unflushed(self) -> Self {
        self.with(|draft| {
            draft.options.accept_unflushed = true;
            Ok(())
        })
    }

    /// When the broker asks for the first time how the message's transaction ended, in whole seconds, a begun
    /// one included; without it, as the broker is set, 6 s at first. Without a transaction it is an error.
    pub fn check_after(self, time: Duration) -> Self {
        self.with(|draft| {
            draft.check_after(time);
            Ok(())
        })
    }

    /// Sends it and runs its transaction, as
    /// [`send_message_in_transaction`](crate::RocketMQTemplate::send_message_in_transaction).
    ///
    /// # Errors
    ///
    /// The first mistake made while it was written; else [`SendError`]. The transaction was not run then.
    pub async fn send_in_transaction<L: DeclaredTransactionListener>(
        self,
        arg: L::Arg,
    ) -> Result<TransactionSendResult, SendError> {
        let (sender, prepared) = (self.sender, self.half::<L>()?);
        let listener = sender.transaction_listener::<L>()?;
        let message = prepared.message.clone();
        let payload = payload_for::<L>(&message)?;
        let open = sender.begin(prepared).await?;
        let half = open.half().clone();
        let message = TransactionMessage::new(payload, transaction::half_message(message, &half));
        let state = transaction::execute(&*listener, &message, arg).await;
        let ended = match state {
            LocalTransactionState::Commit => open.commit().await.map(drop),
            LocalTransactionState::Rollback => open.rollback().await,
            LocalTransactionState::Unknown => Ok(()),
        };
        if let Err(error) = ended {
            tracing::warn!(%error, "the broker asks how the transaction ended");
        }
        Ok(TransactionSendResult { sent: half, state })
    }

    /// Sends it and begins its transaction, as [`begin`](crate::RocketMQTemplate::begin).
    ///
    /// # Errors
    ///
    /// The first mistake made while it was written; else [`SendError`].
    pub async fn begin<L: DeclaredTransactionListener>(self) -> Result<Transaction<L>, SendError> {
        let (sender, prepared) = (self.sender, self.half::<L>()?);
        sender.transaction_listener::<L>()?;
        payload_for::<L>(&prepared.message)?;
        sender.begin(prepared).await.map(Transaction::new)
    }

    fn half<L: DeclaredTransactionListener>(self) -> Result<PreparedSend, SendError> {
        let mut draft = self.draft?;
        draft.in_transaction_of(L::NAME)?;
        draft.finish()
    }

    /// Sends it and waits until it is stored.
    ///
    /// # Errors
    ///
    /// The first mistake made while it was written; else [`SendError::Client`] when the cluster did
    /// not take it, [`SendError::Unflushed`] when it did and not safely.
    pub async fn send(self) -> Result<SendResult, SendError> {
        let send = self.draft?.finish()?;
        self.sender.send(send).await
    }

    /// Sends it as a request and waits for its reply; [`timeout`](Self::timeout) is for both together, and a
    /// delay must be shorter.
    ///
    /// # Errors
    ///
    /// The first mistake made while it was written; else [`RequestError`].
    pub async fn request<R: Payload>(self) -> Result<R, RequestError> {
        let request = self.draft?.finish()?;
        let reply = self.sender.request(request).await?;
        R::of(&reply.into()).map_err(RequestError::Reply)
    }

    /// Sends it as a request in the background and calls `callback` with the reply.
    pub(super) fn request_then<R: Payload>(
        self,
        callback: impl FnOnce(Result<R, RequestError>) + Send + 'static,
    ) {
        match self.draft.and_then(MessageDraft::finish) {
            Ok(request) => self.sender.request_then(request, |reply| {
                callback(reply.and_then(|reply| R::of(&reply.into()).map_err(RequestError::Reply)));
            }),
            Err(error) => callback(Err(error.into())),
        }
    }

    /// Sends it in the background. Messages of one caller leave in the order of the calls.
    pub fn spawn(self) -> SendHandle {
        let (outcome, handle) = SendHandle::new();
        // Nobody waits any more when the handle was dropped.
        self.spawn_with(move |result| drop(outcome.send(result)));
        handle
    }

    /// Sends it in the background and calls `callback` with the outcome.
    pub(super) fn spawn_with(
        self,
        callback: impl FnOnce(Result<SendResult, SendError>) + Send + 'static,
    ) {
        match self.draft.and_then(MessageDraft::finish) {
            Ok(send) => self.sender.send_then(send, callback),
            Err(error) => callback(Err(error)),
        }
    }

    /// Sends it without an answer: nobody learns whether it was stored.
    ///
    /// # Errors
    ///
    /// The first mistake made while it was written.
    pub fn send_one_way(self) -> Result<(), SendError> {
        let send = self.draft?.finish()?;
        self.sender.send_one_way(send);
        Ok(())
    }

    fn with(mut self, change: impl FnOnce(&mut MessageDraft) -> Result<(), SendError>) -> Self {
        if let Ok(draft) = &mut self.draft
            && let Err(error) = change(draft)
        {
            self.draft = Err(error);
        }
        self
    }
}

/// A time as brokers count: ms since 1970, rounded up, so that nothing is delivered early.
fn since_1970(time: SystemTime) -> i64 {
    let ms = |duration: Duration| i64::try_from(duration.as_nanos().div_ceil(1_000_000));
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => ms(after).unwrap_or(i64::MAX),
        Err(before) => -ms(before.duration()).unwrap_or(i64::MAX),
    }
}

/// The payload as the listener will see it in a check: what it could not read is not sent.
fn payload_for<L: DeclaredTransactionListener>(message: &Message) -> Result<L::Message, SendError> {
    let as_received = transaction::received(message.clone());
    L::Message::of(&as_received).map_err(|source| SendError::NotForListener {
        listener: L::NAME,
        source,
    })
}
