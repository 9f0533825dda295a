//! Bodies and the types of the application: text and bytes as they are, everything else as JSON.
//!
//! What [`encode`] writes, [`decode`] reads back as the same type.

mod decode;
mod encode;

use serde::de::DeserializeOwned;

use crate::MessageExt;

pub use decode::{DecodeError, decode};
pub use encode::{EncodeError, encode};
pub(crate) use encode::{Encoded, encode_as};

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
