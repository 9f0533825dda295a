//! Subscriptions: which messages of a topic a consumer group receives.

mod difference;
mod filter;
mod selector;
mod tag;

pub use difference::{Difference, differences, summary};
pub use filter::Filter;
pub use mq_rules::sql::SqlError;
pub use selector::{SelectorType, Subscription};
pub use tag::{TagError, TagExpression};
