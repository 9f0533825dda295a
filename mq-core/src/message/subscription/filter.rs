//! Which messages of a topic a subscription lets through. Pulls, long polls, retries and the client
//! all use this one filter.

use std::fmt;

use super::tag::{TagError, TagExpression};
use crate::message::property;

/// A message filter. The default lets every message through.
///
/// A store checks the tag code with [`may_want`](Self::may_want) before it reads the record, and then
/// the record's properties with [`wants`](Self::wants), which the client also checks.
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

    /// Whether a message whose consume-queue entry has the tag code `code` may pass. Tag codes are
    /// hashes, so a collision lets a message through that [`wants`](Self::wants) rejects.
    pub fn may_want(&self, code: i64) -> bool {
        self.0.may_match(code)
    }

    /// Whether a message passes; `property` looks up its properties by name.
    pub fn wants<'a>(&self, property: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0.is_everything() || self.0.matches(property(property::TAGS))
    }

    /// The filter that lets through what either of the two does.
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
