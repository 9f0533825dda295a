//! Messages that are delivered only if a transaction of the application commits, and the listeners that
//! say how such transactions ended.

mod listener;
mod listeners;
mod message;
mod open;

pub use listener::{
    DeclaredTransactionListener, LocalTransactionListener, LocalTransactionState,
    TransactionPayload,
};
pub use listeners::AnyTransactionListener;
pub use message::Message;
pub(crate) use message::{half_message, received};
pub use open::{Transaction, TransactionError, TransactionSendResult};

pub(crate) use listeners::{LISTENER_PROPERTY, TransactionListeners, execute};
