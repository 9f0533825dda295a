//! How a request is refused: a code for the peer's program and a remark for its people.

use std::fmt;

use bytestring::ByteString;

use super::code::ResponseCode;
use super::error::FieldError;
use crate::reason::line;

/// A request that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What the peer's program acts on.
    pub code: ResponseCode,
    /// What its people read.
    pub remark: ByteString,
}

impl Refusal {
    /// Refused with `code`, for the reason `remark`.
    pub fn new(code: ResponseCode, remark: impl Into<ByteString>) -> Self {
        Self {
            code,
            remark: remark.into(),
        }
    }

    /// Something on our side went wrong (`SYSTEM_ERROR`).
    pub fn system(remark: impl Into<ByteString>) -> Self {
        Self::new(ResponseCode::SYSTEM_ERROR, remark)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "code {}: {}", self.code.0, line(&self.remark))
    }
}

impl std::error::Error for Refusal {}

impl From<FieldError> for Refusal {
    fn from(error: FieldError) -> Self {
        Self::system(error.to_string())
    }
}
