//! The fixed part of a header: code, language, version, opaque, flag and remark.

use bytestring::ByteString;

use super::code::{RequestCode, ResponseCode};
use super::language::Language;

/// The version in every header that we send: 5.3.3 (`MQVersion`).
pub const VERSION: i32 = 479;

const RESPONSE_FLAG: i32 = 1;
const ONE_WAY_FLAG: i32 = 2;

/// The fixed part of a header, in front of its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// A request code or a response code.
    pub code: i32,
    /// What the sender is written in.
    pub language: Language,
    /// The sender's version; see [`VERSION`].
    pub version: i32,
    /// Matches an answer to its request; chosen by the sender of the request.
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
            flag: self.flag | ONE_WAY_FLAG,
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
            flag: RESPONSE_FLAG,
            remark,
        }
    }

    /// Whether this is an answer.
    pub fn is_answer(&self) -> bool {
        self.flag & RESPONSE_FLAG != 0
    }

    /// Whether no answer is wanted.
    pub fn is_one_way(&self) -> bool {
        self.flag & ONE_WAY_FLAG != 0
    }
}
