//! The producer behind the templates: made before the application is connected, and refusing to send
//! until then.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mq_core::client::{
    self, BatchPart, ExpectedReply, HalfMessage, OpenTransaction, SendResult, SendStatus,
};
use mq_core::keyed_fifo::NextMayBegin;
use mq_core::message::{Message, MessageExt};

use super::error::{RequestError, SendError};
use super::parts::SentPart;
use super::publish::{PreparedBatch, PreparedSend, Publish, SendMode};
use crate::transaction::{DeclaredTransactionListener, TransactionListeners};

/// What sends.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProducerSlot(Arc<OnceLock<RunningProducer>>);

/// A producer, and who runs its transactions.
#[derive(Debug)]
struct RunningProducer {
    producer: client::Producer,
    transactions: TransactionListeners,
}

impl ProducerSlot {
    /// From now on it sends through `producer`, for whose transactions there are these listeners.
    pub(crate) fn open(&self, producer: &client::Producer, transactions: &TransactionListeners) {
        self.0.get_or_init(|| RunningProducer {
            producer: producer.clone(),
            transactions: transactions.clone(),
        });
    }

    fn running(&self) -> Result<&RunningProducer, SendError> {
        self.0.get().ok_or(SendError::NotRunning)
    }

    fn producer(&self) -> Result<&client::Producer, SendError> {
        Ok(&self.running()?.producer)
    }

    /// The listener of this type, for the transaction of a message that is about to be sent.
    pub(super) fn transaction_listener<L: DeclaredTransactionListener>(
        &self,
    ) -> Result<Arc<L>, SendError> {
        let listener = self.running()?.transactions.of_type();
        listener.ok_or(SendError::NoTransactionListener(L::NAME))
    }

    /// Makes a message the half message of a transaction.
    pub(super) fn mark_half(&self, prepared: &mut PreparedSend) -> Result<HalfMessage, SendError> {
        let marked = self.producer()?.mark_half(&mut prepared.message);
        marked.map_err(SendError::from)
    }

    /// The transaction of a half message that was sent.
    pub(super) fn transaction_of(
        &self,
        marked: HalfMessage,
        half: SendResult,
    ) -> Result<OpenTransaction, SendError> {
        Ok(self.producer()?.transaction_of(marked, half))
    }

    /// Makes a message a request; the time for its reply begins now.
    pub(super) async fn expect_reply(
        &self,
        prepared: &mut PreparedSend,
    ) -> Result<ExpectedReply, RequestError> {
        let producer = self.producer()?;
        let PreparedSend { message, options } = prepared;
        let limit = options.timeout.unwrap_or(producer.config().send_timeout);
        let expected = producer.expect_reply(message, limit).await?;
        options.timeout = Some(expected.left());
        // However durably it is stored: whoever handles it decides about the reply.
        options.accept_unflushed = true;
        Ok(expected)
    }

    pub(super) async fn recall(&self, handle: &str) -> Result<String, SendError> {
        Ok(self.producer()?.recall(handle).await?)
    }

    /// Sends a reply to whoever waits for it, within `limit` or the time of any send.
    pub(super) async fn reply(
        &self,
        request: &MessageExt,
        reply: Message,
        limit: Option<Duration>,
    ) -> Result<(), SendError> {
        let producer = self.producer()?;
        let limit = limit.unwrap_or(producer.config().send_timeout);
        let sent = producer.send_reply(request, reply, limit).await;
        sent.map(drop).map_err(SendError::from)
    }
}

impl Publish<PreparedSend> for ProducerSlot {
    async fn publish(
        &self,
        prepared: PreparedSend,
        handed_over: &NextMayBegin,
    ) -> Result<Option<SendResult>, SendError> {
        let producer = self.producer()?;
        let PreparedSend { message, options } = prepared;
        let limit = options.timeout.unwrap_or(producer.config().send_timeout);
        let target = options.target;
        // The poll that sets it goes on into the client, where this message takes its place before any
        // later one is let in.
        handed_over.set();
        let sent = match options.mode {
            SendMode::Awaited => producer.send_with(message, target, limit).await.map(Some),
            SendMode::InBackground => {
                let sent = producer.send_in_background(message, target, limit).await;
                sent.map(Some)
            }
            SendMode::OneWay => {
                let sent = producer.send_one_way(message, target).await;
                sent.map(|()| None)
            }
        };
        sent.map_err(SendError::from)
    }
}

impl Publish<PreparedBatch> for ProducerSlot {
    async fn publish(
        &self,
        batch: PreparedBatch,
        handed_over: &NextMayBegin,
    ) -> Result<Vec<SentPart>, SendError> {
        let producer = self.producer()?;
        let PreparedBatch {
            messages, options, ..
        } = batch;
        let limit = options.timeout.unwrap_or(producer.config().send_timeout);
        handed_over.set();
        let parts = producer.send_in_parts(messages, options.target, limit);
        let sent = |part: BatchPart| SentPart {
            messages: part.messages,
            outcome: part.outcome.map_err(SendError::from),
        };
        Ok(parts.await?.into_iter().map(sent).collect())
    }
}

/// The layer that takes nothing but `SEND_OK` for success, unless the caller accepts less.
pub(super) struct RequireFlushed<I>(pub(super) I);

impl<I: Publish<PreparedSend>> Publish<PreparedSend> for RequireFlushed<I> {
    async fn publish(
        &self,
        prepared: PreparedSend,
        handed_over: &NextMayBegin,
    ) -> Result<Option<SendResult>, SendError> {
        let accept_unflushed = prepared.options.accept_unflushed;
        let sent = self.0.publish(prepared, handed_over).await?;
        sent.map(|sent| safely(sent, accept_unflushed)).transpose()
    }
}

impl<I: Publish<PreparedBatch>> Publish<PreparedBatch> for RequireFlushed<I> {
    async fn publish(
        &self,
        batch: PreparedBatch,
        handed_over: &NextMayBegin,
    ) -> Result<Vec<SentPart>, SendError> {
        let accept_unflushed = batch.options.accept_unflushed;
        let parts = self.0.publish(batch, handed_over).await?;
        let checked = parts.into_iter().map(|part| SentPart {
            outcome: part.outcome.and_then(|sent| safely(sent, accept_unflushed)),
            ..part
        });
        Ok(checked.collect())
    }
}

/// The result, unless what was sent is not stored safely and has to be.
fn safely(sent: SendResult, accept_unflushed: bool) -> Result<SendResult, SendError> {
    if sent.status == SendStatus::Ok || accept_unflushed {
        Ok(sent)
    } else {
        Err(SendError::Unflushed(Box::new(sent)))
    }
}
