//! Why a text is not a condition.

use std::borrow::Cow;
use std::fmt;

/// The longest part of the text that a reason quotes, in bytes.
const MAX_QUOTED: usize = 40;

/// Why a text is not a condition, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlError {
    position: usize,
    reason: Cow<'static, str>,
}

impl SqlError {
    pub(super) fn new(position: usize, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            position,
            reason: reason.into(),
        }
    }

    /// The offset in bytes at which the text is wrong.
    pub fn position(&self) -> usize {
        self.position
    }

    /// What is wrong there.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.reason, self.position)
    }
}

impl std::error::Error for SqlError {}

/// A part of the text in backquotes, cut when it is long.
pub(super) fn quoted(part: &str) -> String {
    if part.len() <= MAX_QUOTED {
        return format!("`{part}`");
    }
    let cut = part.floor_char_boundary(MAX_QUOTED);
    format!("`{}…`", part.get(..cut).unwrap_or_default())
}
