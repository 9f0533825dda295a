//! A subscription: topic, expression, and the language of the expression.

use bytestring::ByteString;

use super::filter::Filter;
use crate::message::names::TopicName;

/// The language of a filter expression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SelectorType {
    /// `a || b`, `*` for all.
    #[default]
    Tag,
    /// A condition over properties; evaluated by the broker.
    Sql92,
}

impl SelectorType {
    /// The name in the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tag => "TAG",
            Self::Sql92 => "SQL92",
        }
    }

    /// Reads the protocol's name; an absent or empty one means tags.
    pub fn from_wire(name: Option<&str>) -> Option<Self> {
        match name {
            None | Some("" | "TAG") => Some(Self::Tag),
            Some("SQL92") => Some(Self::Sql92),
            Some(_) => None,
        }
    }
}

/// A consumer group's subscription to one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The topic.
    pub topic: TopicName,
    /// The expression as it was written.
    pub expression: ByteString,
    /// Its language.
    pub selector: SelectorType,
    /// The filter made of it. A client evaluates tags only, so that its filter of a condition lets
    /// everything through.
    pub filter: Filter,
    /// When it was made or last changed, ms since 1970: brokers keep the newest of a group.
    pub version: i64,
}
