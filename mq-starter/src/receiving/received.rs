//! A message that the template received.

use std::fmt;
use std::marker::PhantomData;

use mq_core::client::Delivery;

use crate::message::MessageExt;
use crate::payload::{DecodeError, Payload};

/// A message that the template received, with a payload of type `T`.
///
/// It is finished once it is [acknowledged](Self::ack). One that is not comes again, with those behind
/// it, after the application has ended or another member has its queue.
#[must_use = "a message that is not acknowledged comes again"]
pub struct Received<T> {
    message: MessageExt,
    delivery: Delivery,
    payload: PhantomData<fn() -> T>,
}

impl<T: Payload> Received<T> {
    pub(super) fn new(delivery: Delivery) -> Self {
        Self {
            message: delivery.message.clone().into(),
            delivery,
            payload: PhantomData,
        }
    }

    /// The payload.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the body is something else. It always will be: acknowledge the message, or
    /// it holds up its queue for good.
    pub fn payload(&self) -> Result<T, DecodeError> {
        T::of(&self.message)
    }

    /// The whole message.
    pub fn message(&self) -> &MessageExt {
        &self.message
    }

    /// The message is finished. That is committed within 5 s and at shutdown, unless a message before it
    /// in its queue is not finished.
    ///
    /// Returns whether it counts. It does not when another member has the queue by now, or after
    /// shutdown: the message comes again then.
    pub fn ack(&self) -> bool {
        self.delivery.ack()
    }
}

impl<T> fmt::Debug for Received<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}
