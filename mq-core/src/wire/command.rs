//! A frame with its header taken apart.

use bytes::{Bytes, BytesMut};

use super::encode::encode;
use super::encoding::Encoding;
use super::error::FrameError;
use super::fields::Fields;
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
    /// Appends the whole frame to `out`.
    ///
    /// # Errors
    ///
    /// [`FrameError::TooLong`] when header or body do not fit into a frame.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), FrameError> {
        encode(out, self.encoding, &self.head, &self.fields, &self.body)
    }
}
