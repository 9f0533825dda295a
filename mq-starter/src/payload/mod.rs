//! Bodies and the types of the application: text and bytes as they are, everything else as JSON.
//!
//! What [`encode`] writes, [`decode`] reads back as the same type.

mod decode;
mod encode;
mod received;

pub use decode::{DecodeError, decode};
pub use encode::{EncodeError, encode};
pub(crate) use encode::{Encoded, encode_as};
pub use received::Payload;
