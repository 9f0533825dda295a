//! Bytes ⇄ requests: frames, the two header encodings, and a typed header for every request.
//!
//! Pure: no socket, no clock, no async.

#![warn(clippy::arithmetic_side_effects)]

pub mod body;
pub mod code;
mod codec;
mod command;
mod encode;
mod encoding;
mod error;
pub mod fastjson;
mod field_value;
mod field_writer;
mod fields;
pub mod frame;
mod head;
pub mod header;
mod language;
mod refusal;
mod request;

pub use code::{RequestCode, ResponseCode};
pub use command::RemotingCommand;
pub use encode::{encode, encode_without_body};
pub use encoding::Encoding;
pub use error::{FieldError, FrameError};
pub use field_value::{FieldValue, read_field};
pub use field_writer::FieldWriter;
pub use fields::{FieldText, Fields, Header};
pub use frame::Frame;
pub use head::{Head, VERSION};
pub use language::Language;
pub use refusal::Refusal;
pub use request::{NoFields, Reply, Request};

#[cfg(test)]
mod tests;
