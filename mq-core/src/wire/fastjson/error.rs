//! Why a body cannot be read.

use crate::wire::refusal::Refusal;

/// Why a body cannot be read; the request is answered with a refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body cannot be read at byte {at}: {reason}")]
pub struct BodyError {
    /// The position in bytes from the beginning of the body.
    pub at: usize,
    /// What was expected or is wrong there.
    pub reason: String,
}

pub(super) type Result<T> = std::result::Result<T, BodyError>;

impl BodyError {
    /// An error at the beginning of a body.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            at: 0,
            reason: reason.into(),
        }
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        Self::system(error.to_string())
    }
}

impl serde::de::Error for BodyError {
    fn custom<T: std::fmt::Display>(reason: T) -> Self {
        Self::new(reason.to_string())
    }
}

impl serde::ser::Error for BodyError {
    fn custom<T: std::fmt::Display>(reason: T) -> Self {
        Self::new(reason.to_string())
    }
}
