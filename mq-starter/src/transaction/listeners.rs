//! The transaction listeners of an application, found by their type when a transaction begins, and by
//! their name when the broker asks how one ended.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use mq_core::client::TransactionChecker;
use mq_core::message::MessageExt as StoredMessage;

use super::listener::{
    DeclaredTransactionListener, LocalTransactionListener, LocalTransactionState,
};
use super::message::Message;
use crate::message::MessageExt;
use crate::state::{Assembly, Component};

/// The property that names the listener of a message's transaction.
pub(crate) const LISTENER_PROPERTY: &str = "transactionListener";

/// A transaction listener with its type erased.
#[derive(Clone)]
pub struct AnyTransactionListener {
    type_id: TypeId,
    listener: Arc<dyn Any + Send + Sync>,
    check: CheckFunction,
}

type CheckFunction =
    fn(Arc<dyn Any + Send + Sync>, MessageExt) -> BoxFuture<'static, LocalTransactionState>;

impl AnyTransactionListener {
    /// An annotated struct.
    pub fn assemble<L: DeclaredTransactionListener + Component>(
        assembly: &mut Assembly<'_>,
    ) -> Option<Self> {
        Some(Self {
            type_id: TypeId::of::<L>(),
            listener: Arc::new(L::assemble(assembly)?),
            check: |listener, message| check::<L>(listener, message).boxed(),
        })
    }
}

async fn check<L: LocalTransactionListener>(
    listener: Arc<dyn Any + Send + Sync>,
    message: MessageExt,
) -> LocalTransactionState {
    let Ok(listener) = listener.downcast::<L>() else {
        return LocalTransactionState::Unknown;
    };
    let id = message.message_id();
    match Message::of(message) {
        Ok(message) => listener.check(&message).await,
        Err(error) => {
            tracing::error!(id, %error, "the message of a transaction cannot be read: nobody can say how the transaction ended");
            LocalTransactionState::Unknown
        }
    }
}

impl fmt::Debug for AnyTransactionListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyTransactionListener")
    }
}

/// The transaction listeners of an application, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct TransactionListeners(BTreeMap<&'static str, AnyTransactionListener>);

impl TransactionListeners {
    pub(crate) fn add(&mut self, name: &'static str, listener: AnyTransactionListener) {
        self.0.insert(name, listener);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The listener of this type.
    pub(crate) fn of_type<L: DeclaredTransactionListener>(&self) -> Option<Arc<L>> {
        let listener = self.0.get(L::NAME)?;
        let is_it = listener.type_id == TypeId::of::<L>();
        is_it.then(|| Arc::clone(&listener.listener).downcast().ok())?
    }

    /// The listener whose name a message bears. A message without one, from a producer of the group
    /// that was written in another language, is for the only listener there is.
    fn of_message(&self, message: &MessageExt) -> Option<&AnyTransactionListener> {
        match message.header(LISTENER_PROPERTY) {
            Some(name) => self.0.get(name),
            None if self.0.len() == 1 => self.0.values().next(),
            None => None,
        }
    }
}

impl TransactionChecker for TransactionListeners {
    async fn check(&self, message: StoredMessage) -> LocalTransactionState {
        let message = MessageExt::from(message);
        let Some(listener) = self.of_message(&message) else {
            let (id, name) = (message.message_id(), message.header(LISTENER_PROPERTY));
            tracing::warn!(
                id,
                listener = name.unwrap_or("none"),
                "the broker asks about a transaction whose listener this program does not have; another member of \
                 the producer group may know how it ended"
            );
            return LocalTransactionState::Unknown;
        };
        (listener.check)(Arc::clone(&listener.listener), message).await
    }
}

/// Runs a transaction; a panic leaves it to the check.
pub(crate) async fn execute<L: LocalTransactionListener>(
    listener: &L,
    message: &Message<L::Message>,
    arg: L::Arg,
) -> LocalTransactionState {
    // The call itself may panic too, not only its future.
    let run = AssertUnwindSafe(async { listener.execute(message, arg).await });
    run.catch_unwind().await.unwrap_or_else(|_panic| {
        let id = message.transaction_id();
        tracing::error!(id, "the transaction panicked: the broker asks how it ended");
        LocalTransactionState::Unknown
    })
}
