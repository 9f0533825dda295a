//! Bytes ⇄ requests: frames, the two header encodings, and a typed header for every request.
//!
//! Pure: no socket, no clock, no async.

#![warn(clippy::arithmetic_side_effects)]

pub mod body;
pub mod code;
mod codec;
pub mod fastjson;
mod field_value;
mod field_writer;
mod fields;
pub mod frame;
pub mod header;
mod language;
mod refusal;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

pub use code::{RequestCode, ResponseCode};
pub use codec::Encoding;
pub use field_value::{FieldValue, read_field};
pub use field_writer::FieldWriter;
pub use fields::{FieldError, FieldText, Fields};
pub use frame::{Frame, FrameError};
pub use language::Language;
pub use refusal::Refusal;

/// The version that everything here says it is: 5.3.3 (`MQVersion`).
pub const VERSION: i32 = 479;

const RESPONSE: i32 = 1;
const ONE_WAY: i32 = 2;

/// The fields of a request or an answer (`CommandCustomHeader`); `#[derive(Header)]` writes it.
pub trait Header: Sized {
    /// Hands every field that is set to `out`.
    fn write(&self, out: &mut FieldWriter<'_>);

    /// Takes the fields that belong to this header and leaves the rest.
    ///
    /// # Errors
    ///
    /// [`FieldError`] names the field that is missing or cannot be read.
    fn read(fields: &Fields) -> Result<Self, FieldError>;
}

/// A header that is sent as a request, so that caller and processor agree on code and reply.
pub trait Request: Header + Send + Sync + 'static {
    /// The number that stands for this request.
    const CODE: RequestCode;
    /// Codes of an answer that carry a reply; any other is a [`Refusal`].
    const ACCEPTS: &'static [ResponseCode] = &[ResponseCode::SUCCESS];
    /// What comes back.
    type Reply: Header + Send + 'static;
}

/// No fields: requests and answers that have none, or only a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoFields;

impl Header for NoFields {
    fn write(&self, _out: &mut FieldWriter<'_>) {}

    fn read(_fields: &Fields) -> Result<Self, FieldError> {
        Ok(Self)
    }
}

/// An answer: a code, perhaps a remark, fields and a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply<H> {
    /// How it went.
    pub code: ResponseCode,
    /// A word about it, for people.
    pub remark: Option<ByteString>,
    /// The fields.
    pub header: H,
    /// The body; empty when there is none.
    pub body: Bytes,
}

impl<H> Reply<H> {
    /// Success, without a body.
    pub fn ok(header: H) -> Self {
        Self {
            code: ResponseCode::SUCCESS,
            remark: None,
            header,
            body: Bytes::new(),
        }
    }

    /// The same with `body`.
    #[must_use]
    pub fn with_body(self, body: impl Into<Bytes>) -> Self {
        Self {
            body: body.into(),
            ..self
        }
    }

    /// The same with `code`.
    #[must_use]
    pub fn with_code(self, code: ResponseCode) -> Self {
        Self { code, ..self }
    }

    /// The same with `remark`.
    #[must_use]
    pub fn with_remark(self, remark: impl Into<ByteString>) -> Self {
        Self {
            remark: Some(remark.into()),
            ..self
        }
    }
}

impl<H> From<H> for Reply<H> {
    fn from(header: H) -> Self {
        Self::ok(header)
    }
}

/// What stands in front of the fields in every frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// A request code or a response code.
    pub code: i32,
    /// What the sender is written in.
    pub language: Language,
    /// The sender's version; see [`VERSION`].
    pub version: i32,
    /// Which request an answer belongs to; chosen by the asker.
    pub opaque: i32,
    /// Bit 0: an answer. Bit 1: no answer wanted.
    pub flag: i32,
    /// Text of an error.
    pub remark: Option<ByteString>,
}

impl Head {
    /// The head of a request of ours.
    pub fn request(code: RequestCode, opaque: i32) -> Self {
        Self {
            code: code.0,
            language: Language::Rust,
            version: VERSION,
            opaque,
            flag: 0,
            remark: None,
        }
    }

    /// The same, but no answer is wanted.
    #[must_use]
    pub fn one_way(self) -> Self {
        Self {
            flag: self.flag | ONE_WAY,
            ..self
        }
    }

    /// The head of our answer to the request `opaque`.
    pub fn answer(code: ResponseCode, opaque: i32, remark: Option<ByteString>) -> Self {
        Self {
            code: code.0,
            language: Language::Rust,
            version: VERSION,
            opaque,
            flag: RESPONSE,
            remark,
        }
    }

    /// Whether this is an answer.
    pub fn is_answer(&self) -> bool {
        self.flag & RESPONSE != 0
    }

    /// Whether no answer is wanted.
    pub fn is_one_way(&self) -> bool {
        self.flag & ONE_WAY != 0
    }
}

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

#[cfg(test)]
mod tests;
