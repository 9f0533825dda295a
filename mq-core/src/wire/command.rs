//! A whole frame and its parts: taken apart when it comes, put together when it goes.

use bytes::{Bytes, BytesMut};

use super::codec;
use super::encoding::Encoding;
use super::error::FrameError;
use super::fields::{Fields, Header};
use super::frame::{self, Frame};
use super::head::Head;

/// A frame with its header taken apart (`RemotingCommand`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemotingCommand {
    /// How the header was, or is to be, encoded.
    pub encoding: Encoding,
    /// Code, opaque, flags.
    pub head: Head,
    /// The fields as they came.
    pub fields: Fields,
    /// The body; empty when there is none.
    pub body: Bytes,
}

impl RemotingCommand {
    /// Takes a frame's header apart. Fields and body are slices of the frame.
    ///
    /// # Errors
    ///
    /// [`FrameError::Header`] when the header cannot be read: the connection is then beyond repair.
    pub fn from_frame(frame: Frame) -> Result<Self, FrameError> {
        let (head, fields) = codec::decode(frame.encoding, &frame.header)?;
        Ok(Self {
            encoding: frame.encoding,
            head,
            fields,
            body: frame.body,
        })
    }

    /// Appends the whole frame to `out`.
    ///
    /// # Errors
    ///
    /// [`FrameError::TooLong`] when header or body do not fit into a frame.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), FrameError> {
        encode(out, self.encoding, &self.head, &self.fields, &self.body)
    }
}

/// Appends a whole frame to `out`.
///
/// # Errors
///
/// [`FrameError::TooLong`] when header or body do not fit into a frame; `out` is then unchanged.
pub fn encode(
    out: &mut BytesMut,
    encoding: Encoding,
    head: &Head,
    header: &impl Header,
    body: &[u8],
) -> Result<(), FrameError> {
    encode_without_body(out, encoding, head, header, body.len())?;
    out.extend_from_slice(body);
    Ok(())
}

/// Appends a frame to `out` whose body of `body_length` bytes the caller writes behind it.
///
/// # Errors
///
/// [`FrameError::TooLong`] when header or body do not fit into a frame; `out` is then unchanged.
pub fn encode_without_body(
    out: &mut BytesMut,
    encoding: Encoding,
    head: &Head,
    header: &impl Header,
    body_length: usize,
) -> Result<(), FrameError> {
    let start = frame::begin(out);
    codec::encode(out, encoding, head, header);
    frame::finish(out, start, encoding, body_length)
}
