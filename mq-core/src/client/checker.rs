//! Who says how the transactions of a producer group ended, and what they say.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::message::MessageExt;
use crate::wire::header::EndTransaction;

/// How a transaction ended (`LocalTransactionState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransactionState {
    /// Its message is delivered.
    Commit,
    /// Its message is dropped.
    Rollback,
    /// Not known yet: the broker asks later.
    Unknown,
}

impl TransactionState {
    pub(super) fn to_wire(self) -> i32 {
        match self {
            Self::Commit => EndTransaction::COMMIT,
            Self::Rollback => EndTransaction::ROLLBACK,
            Self::Unknown => EndTransaction::UNKNOWN,
        }
    }
}

/// Says how the transactions of a producer group ended (`TransactionListener.checkLocalTransaction`).
pub trait TransactionChecker: Send + Sync + 'static {
    /// How the transaction of `message` ended. It may have been begun by another member of the group, or
    /// before a restart of this program. A panic counts as [`TransactionState::Unknown`], and so does a
    /// check that takes more than a minute.
    fn check(&self, message: MessageExt) -> impl Future<Output = TransactionState> + Send;
}

/// A function answers.
///
/// ```no_run
/// # use mq_core::{client::*, message::*};
/// # fn example(producer: Producer) {
/// producer.answer_checks(|message: MessageExt| async move {
///     match message.keys().next() {
///         Some(_order_is_in_the_database) => TransactionState::Commit,
///         None => TransactionState::Rollback,
///     }
/// });
/// # }
/// ```
impl<H, F> TransactionChecker for H
where
    H: Fn(MessageExt) -> F + Send + Sync + 'static,
    F: Future<Output = TransactionState> + Send,
{
    async fn check(&self, message: MessageExt) -> TransactionState {
        self(message).await
    }
}

/// A checker with its type erased.
#[derive(Clone)]
pub(super) struct AnyChecker(Arc<dyn DynChecker>);

trait DynChecker: Send + Sync {
    fn check(&self, message: MessageExt) -> BoxFuture<'_, TransactionState>;
}

impl<C: TransactionChecker> DynChecker for C {
    fn check(&self, message: MessageExt) -> BoxFuture<'_, TransactionState> {
        // The call itself may panic too, not only its future.
        let call = AssertUnwindSafe(async move { TransactionChecker::check(self, message).await });
        let state = call.catch_unwind();
        state
            .map(|state| {
                state.unwrap_or_else(|_panic| {
                    tracing::error!("the check of a transaction panicked: the broker asks again");
                    TransactionState::Unknown
                })
            })
            .boxed()
    }
}

impl AnyChecker {
    pub(super) fn new(checker: impl TransactionChecker) -> Self {
        Self(Arc::new(checker))
    }

    pub(super) async fn check(&self, message: MessageExt) -> TransactionState {
        self.0.check(message).await
    }
}

impl fmt::Debug for AnyChecker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyChecker")
    }
}
