//! What can be wrong with a frame and with its fields.

/// Why bytes are no frame. The connection they came on is then beyond repair; close it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Longer than allowed.
    #[error("a frame of {length} bytes is longer than the limit of {limit}")]
    TooLong {
        /// What the peer announced, or we were to send.
        length: usize,
        /// What is allowed.
        limit: usize,
    },
    /// Too short to hold a header.
    #[error("a frame of {length} bytes is too short for a header of {header} bytes")]
    TooShort {
        /// The frame's length.
        length: usize,
        /// The header's length.
        header: usize,
    },
    /// A kind of header that nobody knows.
    #[error("{0} is no kind of header (0 is JSON, 1 is ROCKETMQ)")]
    Encoding(u8),
    /// The header cannot be read.
    #[error("the header cannot be read: {0}")]
    Header(String),
    /// A field of the header cannot be read.
    #[error("the header cannot be read: {0}")]
    Field(#[source] FieldError),
}

/// The most fields of a header; requests have a few dozen.
pub(super) const MAX_FIELDS: usize = 1024;

/// Why a field cannot be used. Answered with a refusal that names it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// It must be there.
    #[error("the field `{0}` is missing")]
    Missing(&'static str),
    /// It is not what it should be.
    #[error("the field `{name}` is `{value}`, expected {expected}")]
    Malformed {
        /// The field.
        name: &'static str,
        /// The beginning of what was found.
        value: String,
        /// What it should have been.
        expected: &'static str,
    },
    /// The list of fields of a binary header is cut.
    #[error("the list of fields is damaged")]
    List,
    /// There are more fields than any request has.
    #[error("there are more than {MAX_FIELDS} fields")]
    TooMany,
}
