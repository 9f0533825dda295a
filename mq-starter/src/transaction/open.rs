//! A transaction that has begun, and how one ended.

use std::fmt;
use std::marker::PhantomData;

use mq_core::client::{EndError, OpenTransaction, SendResult};

use super::listener::{DeclaredTransactionListener, LocalTransactionState};

/// A message that the broker has and delivers to nobody until it is committed; see
/// [`RocketMQTemplate::begin`](crate::RocketMQTemplate::begin).
///
/// When this is dropped the broker asks the listener `L` how the transaction ended.
#[must_use = "the broker asks how a transaction ended unless it is committed or rolled back"]
pub struct Transaction<L> {
    open: OpenTransaction,
    listener: PhantomData<fn(L)>,
}

impl<L: DeclaredTransactionListener> Transaction<L> {
    pub(crate) fn new(open: OpenTransaction) -> Self {
        Self {
            open,
            listener: PhantomData,
        }
    }

    /// The id of the transaction, which is that of its message.
    pub fn id(&self) -> &str {
        &self.open.half().message_id
    }

    /// Has the message delivered.
    ///
    /// # Errors
    ///
    /// [`TransactionError`]: the broker asks `L` how the transaction ended, if it did not get this.
    pub async fn commit(self) -> Result<SendResult, TransactionError> {
        self.open.commit().await.map_err(TransactionError)
    }

    /// Has the message dropped.
    ///
    /// # Errors
    ///
    /// [`TransactionError`]: the broker asks `L` how the transaction ended, if it did not get this.
    pub async fn rollback(self) -> Result<(), TransactionError> {
        self.open.rollback().await.map_err(TransactionError)
    }
}

impl<L> fmt::Debug for Transaction<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Transaction")
            .field(self.open.half())
            .finish()
    }
}

/// Why the broker was not told how a transaction ended; the listener of the transaction is asked instead.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TransactionError(#[source] EndError);

/// A message that was sent in a transaction (`TransactionSendResult`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the state says whether the message is delivered"]
pub struct TransactionSendResult {
    /// Where the message waited.
    pub sent: SendResult,
    /// How the transaction ended. With [`LocalTransactionState::Unknown`] the broker asks its listener.
    pub state: LocalTransactionState,
}
