//! The message of a transaction, with its payload.

use std::ops::Deref;

use mq_core::message::property;

use crate::message::MessageExt;
use crate::payload::{DecodeError, Payload};

/// The message of a transaction, with its payload. Everything that [`MessageExt`] has is reached through
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<T> {
    payload: T,
    message: MessageExt,
}

impl<T: Payload> Message<T> {
    /// The payload of `message`, decoded.
    pub(super) fn of(message: MessageExt) -> Result<Self, DecodeError> {
        let payload = T::of(&message)?;
        Ok(Self { payload, message })
    }
}

impl<T> Message<T> {
    /// For a test that calls a listener by hand.
    pub fn new(payload: T, message: MessageExt) -> Self {
        Self { payload, message }
    }

    /// What the message says.
    pub fn payload(&self) -> &T {
        &self.payload
    }

    /// The id of the transaction, which is that of its message: the same in
    /// [`execute`](super::LocalTransactionListener::execute) and in every
    /// [`check`](super::LocalTransactionListener::check).
    pub fn transaction_id(&self) -> &str {
        self.message.header(property::UNIQ_KEY).unwrap_or_default()
    }
}

impl<T> Deref for Message<T> {
    type Target = MessageExt;

    fn deref(&self) -> &MessageExt {
        &self.message
    }
}
