//! A typed request: its fields, its code, and what comes back.

use bytes::Bytes;
use bytestring::ByteString;

use super::code::{RequestCode, ResponseCode};
use super::error::FieldError;
use super::field_writer::FieldWriter;
use super::fields::{Fields, Header};

/// A header that is sent as a request, so that caller and processor agree on code and reply.
pub trait Request: Header + Send + Sync + 'static {
    /// The request's code.
    const CODE: RequestCode;
    /// Codes of an answer that carry a reply; any other is a [`Refusal`](super::Refusal).
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
