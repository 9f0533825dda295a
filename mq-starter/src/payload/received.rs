//! What a listener can take as its message.

use serde::de::DeserializeOwned;

use super::decode::{DecodeError, decode};
use crate::message::MessageExt;

/// What a listener can take as its message.
///
/// Every type that serde can read is one; its body is decoded by [`decode`]. [`MessageExt`] is the
/// whole message.
#[diagnostic::on_unimplemented(
    message = "a listener cannot take `{Self}` as its message",
    note = "derive `Deserialize` for it, or take `MessageExt`, the whole message"
)]
pub trait Payload: Sized + Send + 'static {
    /// Makes the payload of a message.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the body is something else; it will be at the next attempt too.
    fn of(message: &MessageExt) -> Result<Self, DecodeError>;
}

impl<T: DeserializeOwned + Send + 'static> Payload for T {
    fn of(message: &MessageExt) -> Result<Self, DecodeError> {
        decode(message.body())
    }
}

impl Payload for MessageExt {
    fn of(message: &MessageExt) -> Result<Self, DecodeError> {
        Ok(message.clone())
    }
}
