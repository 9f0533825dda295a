//! Filters as an application writes them, read before brokers get them.

use crate::message::subscription::{Filter, SelectorType, SqlError, TagError};

/// Why a filter cannot be read.
#[derive(Debug)]
pub(super) enum UnreadableFilter {
    Tags(TagError),
    Condition(SqlError),
}

/// What a client lets through of the messages that a broker gives: by tags, because brokers compare only
/// their hash codes, and everything by a condition, which brokers evaluate.
pub(super) fn read(selector: SelectorType, expression: &str) -> Result<Filter, UnreadableFilter> {
    match selector {
        SelectorType::Tag => Filter::by_tags(expression).map_err(UnreadableFilter::Tags),
        SelectorType::Sql92 => {
            Filter::by_sql(expression).map_err(UnreadableFilter::Condition)?;
            Ok(Filter::default())
        }
    }
}
