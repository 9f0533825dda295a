//! Messages that are delivered only if a transaction of the application commits
//! (`DefaultMQProducerImpl.sendMessageInTransaction`).

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;

use super::outcome::SendResult;
use super::shared::ProducerShared;
use super::traced;
use crate::client::checker::TransactionState;
use crate::client::cluster::ClusterClient;
use crate::client::error::{EndError, MessageError, SendError};
use crate::client::trace::{TracedMessage, Tracer};
use crate::message::later::delay_of;
use crate::message::{Message, OffsetMessageId, property};
use crate::remoting::CallError;
use crate::wire::Refusal;
use crate::wire::header::EndTransaction;

/// A message that a broker has and delivers to nobody until it is committed.
///
/// When this is dropped, or its end does not reach the broker, the broker asks the checker of the
/// producer group.
#[must_use = "the broker asks how a transaction ended unless it is committed or rolled back"]
pub struct OpenTransaction {
    cluster: Arc<ClusterClient>,
    group: ByteString,
    message: HalfMessage,
    half: SendResult,
    /// Records its end.
    tracer: Option<Tracer>,
}

/// What a message trace has of a half message, when its transaction ends.
#[derive(Clone, Debug)]
#[must_use = "the transaction of the half message is made of it"]
pub struct HalfMessage {
    tags: Option<String>,
    keys: Option<String>,
}

impl OpenTransaction {
    /// Where the message waits, and how durably it is stored.
    pub fn half(&self) -> &SendResult {
        &self.half
    }

    /// Has the message delivered.
    ///
    /// # Errors
    ///
    /// [`EndError`]: the broker asks how the transaction ended, if it did not get this.
    pub async fn commit(self) -> Result<SendResult, EndError> {
        self.end(TransactionState::Commit).await?;
        Ok(self.half)
    }

    /// Has the message dropped.
    ///
    /// # Errors
    ///
    /// [`EndError`]: the broker asks how the transaction ended, if it did not get this.
    pub async fn rollback(self) -> Result<(), EndError> {
        self.end(TransactionState::Rollback).await
    }

    /// Sent once only: brokers of Apache's deliver a message again for each commit.
    async fn end(&self, state: TransactionState) -> Result<(), EndError> {
        let half = &self.half;
        let failed = |source| EndError {
            state,
            message_id: half.message_id.clone(),
            broker: half.queue.broker.to_string(),
            source,
        };
        let not_to_be_named = |id: &str| {
            let remark = format!("the broker gave the half message the id `{id}`, which is none");
            CallError::Refused(Refusal::system(remark))
        };
        let id = &half.offset_message_id;
        let OffsetMessageId { offset, .. } =
            id.parse().map_err(|_no_id| failed(not_to_be_named(id)))?;
        let broker = &half.queue.broker;
        let address = self.cluster.master(broker);
        let address = address.ok_or_else(|| failed(CallError::unknown(broker)))?;
        if let Some(tracer) = &self.tracer {
            traced::ended(tracer, self.traced_message(), &address, state);
        }
        let transaction_id = half.transaction_id.as_ref().unwrap_or(&half.message_id);
        let header = EndTransaction {
            topic: Some(half.queue.topic.to_text()),
            producer_group: self.group.clone(),
            tran_state_table_offset: half.queue_offset.to_wire(),
            commit_log_offset: offset.to_wire(),
            commit_or_rollback: state.to_wire(),
            from_transaction_check: Some(false),
            msg_id: Some(half.message_id.as_str().into()),
            transaction_id: Some(transaction_id.as_str().into()),
        };
        let ended = self.cluster.call(&address, header, Bytes::new()).await;
        ended.map(drop).map_err(failed)
    }

    fn traced_message(&self) -> TracedMessage {
        let HalfMessage { tags, keys } = self.message.clone();
        TracedMessage {
            topic: self.half.queue.topic.clone(),
            id: self.half.message_id.clone(),
            tags,
            keys,
        }
    }
}

impl fmt::Debug for OpenTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenTransaction")
            .field("group", &self.group)
            .field("half", &self.half)
            .finish_non_exhaustive()
    }
}

impl ProducerShared {
    /// Makes `message` the half message of a transaction.
    pub(super) fn mark_half(&self, message: &mut Message) -> Result<HalfMessage, SendError> {
        check(message).map_err(|source| SendError::Message {
            topic: message.topic.clone(),
            source,
        })?;
        message.properties.set(property::TRAN_MSG, "true");
        let group = self.config.group.as_str();
        message.properties.set(property::PGROUP, group);
        let text = |name| message.properties.get(name).map(str::to_owned);
        Ok(HalfMessage {
            tags: text(property::TAGS),
            keys: text(property::KEYS),
        })
    }

    /// The transaction of a half message that was stored.
    pub(super) fn transaction_of(&self, message: HalfMessage, half: SendResult) -> OpenTransaction {
        OpenTransaction {
            cluster: Arc::clone(&self.cluster),
            group: self.config.group.to_text(),
            message,
            half,
            tracer: self.tracer.clone(),
        }
    }
}

/// A delay is refused: the message would be due at a time at which nobody knows how its transaction
/// ended. Java's client removes it.
fn check(message: &Message) -> Result<(), MessageError> {
    match delay_of(&message.properties) {
        Some(delay) => Err(MessageError::DelayInTransaction(delay)),
        None => Ok(()),
    }
}
