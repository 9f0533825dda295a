//! A frame with its header taken apart.

use bytes::{Bytes, BytesMut};

use super::codec;
use super::encode::encode;
use super::encoding::Encoding;
use super::error::FrameError;
use super::fields::Fields;
use super::frame::Frame;
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
