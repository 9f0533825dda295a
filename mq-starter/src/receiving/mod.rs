//! Receiving: messages that are fetched in the background and handed over when they are asked for.

mod error;
mod received;
mod slot;

pub use error::ReceiveError;
pub use received::Received;
pub(crate) use slot::ReceiverSlot;
