//! Which messages of a topic a group wants.

mod difference;
mod selector;
mod tag;

pub use difference::{Difference, differences, summary};
pub use selector::{SelectorType, Subscription};
pub use tag::{TagError, TagExpression};
