//! A condition: its text, and the program made of it.

use std::fmt;
use std::sync::Arc;

use super::error::SqlError;
use super::parser;
use super::program::Program;
use super::value::Value;

/// What a condition says of a message. Only [`True`](Self::True) lets it through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// A property that it needs is absent.
    Unknown,
    /// Two values cannot be compared, as a text with a number: Apache's filter throws there.
    Failed,
}

/// A condition over properties. Clones share it.
///
/// Two conditions are equal when their texts are.
///
/// ```
/// # use mq_rules::sql::Condition;
/// let condition = Condition::parse("price > 10 AND region IN ('eu', 'us')")?;
/// let coffee = |name: &str| match name {
///     "price" => Some("12"),
///     "region" => Some("eu"),
///     _ => None,
/// };
/// assert!(condition.matches(coffee));
/// assert!(!condition.matches(|_| None));
///
/// let error = Condition::parse("price > 'ten'").unwrap_err();
/// assert_eq!(error.to_string(), "`>` compares numbers and properties, not a text at byte 8");
/// # Ok::<_, mq_rules::sql::SqlError>(())
/// ```
#[derive(Clone)]
pub struct Condition(Arc<Parsed>);

struct Parsed {
    text: Box<str>,
    program: Program,
    ignored: Option<usize>,
}

impl Condition {
    /// The longest text that is read, in bytes. Apache's filter has no such limit, but the thread that
    /// reads a text overflows its stack long before.
    pub const MAX_LENGTH: usize = 256 * 1024;

    /// Reads a condition.
    ///
    /// # Errors
    ///
    /// [`SqlError`] where Apache's filter refuses it too, and for a text longer than
    /// [`MAX_LENGTH`](Self::MAX_LENGTH).
    pub fn parse(text: &str) -> Result<Self, SqlError> {
        if text.len() > Self::MAX_LENGTH {
            let reason = format!("a condition has at most {} bytes", Self::MAX_LENGTH);
            return Err(SqlError::new(Self::MAX_LENGTH, reason));
        }
        let (program, ignored) = parser::parse(text)?;
        Ok(Self(Arc::new(Parsed {
            text: text.into(),
            program,
            ignored,
        })))
    }

    /// Whether a message passes, of which `property` gives the properties.
    pub fn matches<'a>(&self, property: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.verdict(property) == Verdict::True
    }

    /// What the condition says of a message, of which `property` gives the properties.
    pub fn verdict<'a>(&self, property: impl Fn(&str) -> Option<&'a str>) -> Verdict {
        match self.0.program.run(|name| property(name)) {
            Ok(Value::Truth(true)) => Verdict::True,
            Ok(Value::Truth(false) | Value::Number(_) | Value::Text(_)) => Verdict::False,
            Ok(Value::Unknown) => Verdict::Unknown,
            Err(_incomparable) => Verdict::Failed,
        }
    }

    /// The text as it was written.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The offset in bytes from which on the text is ignored, because a whole condition ends before it.
    /// Who writes conditions should be told; brokers take them.
    ///
    /// ```
    /// # use mq_rules::sql::Condition;
    /// assert_eq!(Condition::parse("price = 10 + 5")?.ignored(), Some(11));
    /// assert_eq!(Condition::parse("price = 10")?.ignored(), None);
    /// # Ok::<_, mq_rules::sql::SqlError>(())
    /// ```
    pub fn ignored(&self) -> Option<usize> {
        self.0.ignored
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Condition {}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.text()).finish()
    }
}

/// The text that [`Condition::parse`] reads.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
