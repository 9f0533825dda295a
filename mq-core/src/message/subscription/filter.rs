//! Which messages of a topic are wanted: the same answer for pulls, for pulls that wait, for messages
//! that come again and in the client.

use std::fmt;

use super::tag::{TagError, TagExpression};
use crate::message::property;

/// What lets messages through. The default lets all.
///
/// The broker asks [`may_want`](Self::may_want) before it reads a record, the client
/// [`wants`](Self::wants) of what it got.
///
/// ```
/// # use mq_core::message::subscription::Filter;
/// # use mq_core::message::{Message, TopicName};
/// let filter = Filter::by_tags("created || paid")?;
/// let mut order = Message::new(TopicName::new("orders")?, "one coffee");
/// order.properties.set("TAGS", "paid");
/// assert!(filter.wants(|name| order.properties.get(name)));
/// order.properties.set("TAGS", "shipped");
/// assert!(!filter.wants(|name| order.properties.get(name)));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter(TagExpression);

impl Filter {
    /// Reads a tag expression: `*`, or tags joined by `||`.
    ///
    /// # Errors
    ///
    /// [`TagError`], as [`TagExpression::parse`].
    pub fn by_tags(expression: &str) -> Result<Self, TagError> {
        TagExpression::parse(expression).map(Self)
    }

    /// Whether a message may be wanted whose entry in the consume queue has the tag code `code`.
    /// Codes are hashes: the answer may be yes for a message that is not wanted.
    pub fn may_want(&self, code: i64) -> bool {
        self.0.may_match(code)
    }

    /// Whether a message or a record is wanted that has the properties that `property` finds.
    pub fn wants<'a>(&self, property: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0.matches(property(property::TAGS))
    }

    /// What either lets through.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self(self.0.or(&other.0))
    }

    /// The tags; none means every message.
    pub fn tags(&self) -> &TagExpression {
        &self.0
    }
}

impl From<TagExpression> for Filter {
    fn from(tags: TagExpression) -> Self {
        Self(tags)
    }
}

/// The expression that [`Filter::by_tags`] reads.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
