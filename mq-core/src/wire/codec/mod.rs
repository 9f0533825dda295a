//! Reads a header in either encoding. One connection may carry both; an answer has the encoding of
//! its request.

mod binary;
mod json;
mod json_members;

use bytes::Bytes;

use super::encoding::Encoding;
use super::error::FrameError;
use super::fields::Fields;
use super::head::Head;

pub(super) fn decode(encoding: Encoding, header: &Bytes) -> Result<(Head, Fields), FrameError> {
    match encoding {
        Encoding::Json => json::decode(header),
        Encoding::Binary => binary::decode(header),
    }
}
