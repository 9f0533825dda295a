//! What a parameter of an annotated function may be.

use bytes::Bytes;

use crate::listener::{ConsumeError, Delivery};
use crate::message::MessageExt;
use crate::payload::decode;
use crate::state::Assembly;

/// What an annotated function may have as a parameter.
///
/// A part that cannot be taken from this message will not be there at the next attempt either: the
/// listener's `on_decode_error` says what happens with it, and without one the message goes to the
/// dead-letter queue.
#[diagnostic::on_unimplemented(
    message = "a listener cannot ask for `{Self}`",
    label = "this parameter cannot be taken from a message",
    note = "wrap the payload in `mq_starter::Json<…>` and what the application provides in `mq_starter::State<…>`; a `String`, `Bytes`, `Header<…>`, `Headers` and `MessageExt` can be asked for too"
)]
pub trait FromMessage: Sized + Send {
    /// Notes, before the first message, what the application must provide.
    fn require(_assembly: &mut Assembly<'_>) {}

    /// Takes it from a message.
    ///
    /// # Errors
    ///
    /// What is to happen with a message that does not have it.
    fn from_message(delivery: &Delivery) -> Result<Self, ConsumeError>;
}

impl FromMessage for MessageExt {
    fn from_message(delivery: &Delivery) -> Result<Self, ConsumeError> {
        Ok(delivery.message.clone())
    }
}

impl FromMessage for String {
    fn from_message(delivery: &Delivery) -> Result<Self, ConsumeError> {
        decode(delivery.message.body()).map_err(ConsumeError::undecodable)
    }
}

impl FromMessage for Bytes {
    fn from_message(delivery: &Delivery) -> Result<Self, ConsumeError> {
        Ok(delivery.message.body().clone())
    }
}

/// How a parameter of an annotated function is taken from a message; what it needs is noted.
pub fn extractor<T: FromMessage>(
    assembly: &mut Assembly<'_>,
) -> fn(&Delivery) -> Result<T, ConsumeError> {
    T::require(assembly);
    T::from_message
}
