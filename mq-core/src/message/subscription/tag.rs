//! Tag expressions: `*`, or tags joined by `||`.
//!
//! Hash codes are compared first, because a consume queue has them; then the text, so that two tags with
//! the same code cannot be mixed up.

use std::fmt;

use bytestring::ByteString;

use crate::message::hash::java_hash;

/// Why a text is not a tag expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TagError {
    /// Separators, but no tag.
    #[error("the tag expression `{0}` names no tag")]
    NoTag(String),
    /// Something between two separators, or beside one, is no tag.
    #[error("the tag expression `{expression}` is malformed: {why}")]
    Malformed {
        /// The expression.
        expression: String,
        /// Which rule it breaks.
        why: String,
    },
}

/// The tags of an expression; none means every message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagExpression {
    tags: Vec<ByteString>,
    codes: Vec<i32>,
}

impl TagExpression {
    /// Reads `*`, an empty text (both: everything) or `a || b` as a peer sends it
    /// (`FilterAPI.buildSubscriptionData`): where a tag is missing beside a separator, it is passed over.
    ///
    /// # Errors
    ///
    /// [`TagError::NoTag`] when there are separators and nothing between them.
    ///
    /// ```
    /// # use mq_core::message::subscription::TagExpression;
    /// let tags = TagExpression::parse("created || paid")?;
    /// assert!(tags.matches(Some("paid")));
    /// assert!(!tags.matches(Some("shipped")));
    /// assert!(!tags.matches(None));
    /// assert!(TagExpression::parse("*")?.matches(None));
    /// # Ok::<_, mq_core::message::subscription::TagError>(())
    /// ```
    pub fn parse(expression: &str) -> Result<Self, TagError> {
        let trimmed = expression.trim();
        if trimmed.is_empty() || trimmed == "*" {
            return Ok(Self::default());
        }
        let tags = trimmed
            .split("||")
            .map(str::trim)
            .filter(|tag| !tag.is_empty());
        let tags: Vec<ByteString> = tags.map(ByteString::from).collect();
        if tags.is_empty() {
            return Err(TagError::NoTag(expression.to_owned()));
        }
        Ok(Self::of(tags))
    }

    /// From the tags themselves. The tag codes are computed here because some clients send wrong
    /// ones.
    pub fn of(tags: Vec<ByteString>) -> Self {
        let codes = tags.iter().map(|tag| java_hash(tag)).collect();
        Self { tags, codes }
    }

    /// The tags; empty means every message.
    pub fn tags(&self) -> &[ByteString] {
        &self.tags
    }

    /// The expression that matches what either of the two does.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        if self.is_everything() || other.is_everything() {
            return Self::default();
        }
        let mut tags = self.tags.clone();
        let fresh = other.tags.iter().filter(|tag| !self.tags.contains(tag));
        tags.extend(fresh.cloned());
        Self::of(tags)
    }

    /// Whether every message matches.
    pub fn is_everything(&self) -> bool {
        self.tags.is_empty()
    }

    /// Java's hash codes of the tags.
    pub fn codes(&self) -> &[i32] {
        &self.codes
    }

    /// Whether a message with the tag code `code` may match.
    pub fn may_match(&self, code: i64) -> bool {
        self.is_everything() || self.codes.iter().any(|own| i64::from(*own) == code)
    }

    /// Whether a message with `tag` matches.
    pub fn matches(&self, tag: Option<&str>) -> bool {
        self.is_everything() || tag.is_some_and(|tag| self.tags.iter().any(|own| *own == tag))
    }
}

/// The expression that [`TagExpression::parse`] reads.
impl fmt::Display for TagExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, rest)) = self.tags.split_first() else {
            return f.write_str("*");
        };
        f.write_str(first)?;
        rest.iter().try_for_each(|tag| write!(f, " || {tag}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_names_its_tags_whatever_the_spaces() {
        let tags = TagExpression::parse(" TagA|| TagC ||").unwrap();

        assert_eq!(tags.tags(), ["TagA", "TagC"]);
        assert_eq!(tags.codes(), [java_hash("TagA"), java_hash("TagC")]);
    }

    #[test]
    fn what_either_of_two_expressions_wants_is_wanted_by_both_together() {
        let (a, b) = (
            TagExpression::of(vec!["A".into()]),
            TagExpression::of(vec!["B".into()]),
        );

        assert_eq!(a.or(&b).or(&a).tags(), ["A", "B"]);
        assert_eq!(a.or(&TagExpression::default()), TagExpression::default());
        assert_eq!(TagExpression::default().or(&a), TagExpression::default());
    }

    #[test]
    fn two_tags_with_one_code_are_told_apart_by_the_text() {
        let tags = TagExpression::parse("Aa").unwrap();

        assert!(tags.may_match(java_hash("BB").into()));
        assert!(!tags.matches(Some("BB")));
    }

    #[test]
    fn separators_without_a_tag_are_refused() {
        assert!(TagExpression::parse("||").is_err());
    }
}
