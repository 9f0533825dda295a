//! Which messages of a topic a subscription lets through. Pulls, long polls, retries and the client
//! all use this one filter.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use mq_rules::names;
use mq_rules::sql::{Condition, SqlError};

use super::tag::{TagError, TagExpression};
use crate::message::names::TopicName;
use crate::message::property;

/// A message filter. The default lets every message through.
///
/// A store checks the tag code with [`may_want`](Self::may_want) before it reads the record, and then
/// the record's properties with [`wants`](Self::wants), which the client also checks. A clone shares
/// the condition.
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
///
/// let dear = Filter::by_sql("total >= 100 AND TAGS = 'shipped'")?;
/// order.properties.set("total", "120");
/// assert!(dear.wants(|name| order.properties.get(name)));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(Rule);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    Tags(TagExpression),
    Condition(Condition),
    /// The conditions of a retry topic, by the topic from which a message comes.
    Origins(Arc<BTreeMap<TopicName, Condition>>),
    /// Nothing passes.
    Malformed(SqlError),
}

impl Filter {
    /// Reads the tags that a program asks for: `*` or nothing for all, or tags joined by `||`. Stricter than
    /// [`TagExpression::parse`], which reads what peers send.
    ///
    /// # Errors
    ///
    /// [`TagError`]: a tag is missing, `*` stands among tags, or a tag has a `|`.
    pub fn by_tags(expression: &str) -> Result<Self, TagError> {
        let tags = TagExpression::parse(expression)?;
        names::tag_expression(expression).map_err(|why| TagError::Malformed {
            expression: expression.to_owned(),
            why,
        })?;
        Ok(tags.into())
    }

    /// Reads a condition over properties.
    ///
    /// # Errors
    ///
    /// [`SqlError`], as [`Condition::parse`].
    pub fn by_sql(condition: &str) -> Result<Self, SqlError> {
        Condition::parse(condition).map(|condition| Self(Rule::Condition(condition)))
    }

    /// The filter of a retry topic to which the conditions of its group apply
    /// (`ExpressionForRetryMessageFilter`): a message passes when the filter of the topic from which it
    /// comes is no condition or lets it through.
    pub fn by_origin(filters: &BTreeMap<TopicName, Self>) -> Self {
        let conditions = filters
            .iter()
            .filter_map(|(topic, filter)| match &filter.0 {
                Rule::Condition(condition) => Some((topic.clone(), condition.clone())),
                Rule::Tags(_) | Rule::Origins(_) | Rule::Malformed(_) => None,
            });
        Self(Rule::Origins(Arc::new(conditions.collect())))
    }

    /// The filter of a subscription whose condition cannot be read: nothing passes.
    pub fn malformed(error: SqlError) -> Self {
        Self(Rule::Malformed(error))
    }

    /// Why the condition cannot be read, if so.
    pub fn error(&self) -> Option<&SqlError> {
        match &self.0 {
            Rule::Malformed(error) => Some(error),
            Rule::Tags(_) | Rule::Condition(_) | Rule::Origins(_) => None,
        }
    }

    /// Whether a message whose consume-queue entry has the tag code `code` may pass. Tag codes are
    /// hashes, so a collision lets a message through that [`wants`](Self::wants) rejects; a condition
    /// rules nothing out.
    pub fn may_want(&self, code: i64) -> bool {
        match &self.0 {
            Rule::Tags(tags) => tags.may_match(code),
            Rule::Condition(_) | Rule::Origins(_) => true,
            Rule::Malformed(_) => false,
        }
    }

    /// Whether a message passes; `property` looks up its properties by name.
    pub fn wants<'a>(&self, property: impl Fn(&str) -> Option<&'a str>) -> bool {
        match &self.0 {
            Rule::Tags(tags) => tags.is_everything() || tags.matches(property(property::TAGS)),
            Rule::Condition(condition) => condition.matches(property),
            Rule::Origins(conditions) => {
                let origin = property(property::RETRY_TOPIC);
                let condition = origin.and_then(|origin| conditions.get(origin));
                condition.is_none_or(|condition| condition.matches(property))
            }
            Rule::Malformed(_) => false,
        }
    }

    /// Whether the tag code says nothing, so that only a message's properties tell whether it passes.
    pub fn is_by_condition(&self) -> bool {
        matches!(self.0, Rule::Condition(_) | Rule::Origins(_))
    }

    /// The tags; none means every message. `None` when it is not by tags.
    pub fn tags(&self) -> Option<&TagExpression> {
        match &self.0 {
            Rule::Tags(tags) => Some(tags),
            Rule::Condition(_) | Rule::Origins(_) | Rule::Malformed(_) => None,
        }
    }
}

impl Default for Filter {
    fn default() -> Self {
        TagExpression::default().into()
    }
}

impl From<TagExpression> for Filter {
    fn from(tags: TagExpression) -> Self {
        Self(Rule::Tags(tags))
    }
}

/// The expression that [`Filter::by_tags`] or [`Filter::by_sql`] reads; why it cannot be read.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Rule::Tags(tags) => tags.fmt(f),
            Rule::Condition(condition) => condition.fmt(f),
            Rule::Origins(_) => f.write_str("the conditions of the topics of origin"),
            Rule::Malformed(error) => error.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_must_write_what_brokers_would_pass_over() {
        for malformed in ["a ||", "|| a", "a || || b", "a || *", "a | b", "||"] {
            assert!(Filter::by_tags(malformed).is_err(), "{malformed}");
        }
        for tags in ["a ||", "|| a", "a"] {
            let sent = TagExpression::parse(tags).unwrap();
            assert_eq!(Filter::from(sent), Filter::by_tags("a").unwrap(), "{tags}");
        }
        assert_eq!(Filter::by_tags(""), Ok(Filter::default()));
    }
}
