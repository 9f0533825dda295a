//! The two encodings of a header. Both stand on one connection; an answer takes its request's.

mod binary;
mod json;
mod json_members;
mod write;

use bytes::{Bytes, BytesMut};

use super::encoding::Encoding;
use super::error::FrameError;
use super::fields::{Fields, Header};
use super::head::Head;

pub(super) fn decode(encoding: Encoding, header: &Bytes) -> Result<(Head, Fields), FrameError> {
    match encoding {
        Encoding::Json => json::decode(header),
        Encoding::Binary => binary::decode(header),
    }
}

pub(super) fn encode(out: &mut BytesMut, encoding: Encoding, head: &Head, header: &impl Header) {
    match encoding {
        Encoding::Json => write::json(out, head, header),
        Encoding::Binary => write::binary(out, head, header),
    }
}
