//! The two encodings of a header. Both stand on one connection; an answer takes its request's.

mod binary;
mod json;
mod json_members;

use bytes::{Bytes, BytesMut};

use super::{Fields, FrameError, Head, Header};

/// How a header is encoded (`SerializeType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// A JSON object.
    #[default]
    Json,
    /// RocketMQ's own binary form.
    Binary,
}

impl Encoding {
    /// The number in the frame.
    pub fn to_wire(self) -> u8 {
        match self {
            Self::Json => 0,
            Self::Binary => 1,
        }
    }

    /// Reads the number in the frame.
    ///
    /// # Errors
    ///
    /// [`FrameError::Encoding`] when it is neither.
    pub fn from_wire(number: u8) -> Result<Self, FrameError> {
        match number {
            0 => Ok(Self::Json),
            1 => Ok(Self::Binary),
            other => Err(FrameError::Encoding(other)),
        }
    }
}

pub(super) fn decode(encoding: Encoding, header: &Bytes) -> Result<(Head, Fields), FrameError> {
    match encoding {
        Encoding::Json => json::decode(header),
        Encoding::Binary => binary::decode(header),
    }
}

pub(super) fn encode(out: &mut BytesMut, encoding: Encoding, head: &Head, header: &impl Header) {
    match encoding {
        Encoding::Json => json::encode(out, head, header),
        Encoding::Binary => binary::encode(out, head, header),
    }
}
