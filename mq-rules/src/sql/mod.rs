//! SQL92 conditions over the properties of a message, as Apache's `rocketmq-filter` reads and
//! evaluates them.
//!
//! Invariant: whatever the text, parsing and evaluating take time and memory linear in its length and
//! no recursion, so that no peer can overflow a stack.
//!
//! A condition is parsed into steps (`program.rs`) that a small stack machine runs. What Apache's filter
//! does and nobody expects is kept, since a group's members may be served by either broker:
//!
//! - A property is text. It is read as the type of the number that it is compared with: `'1.0'` is no
//!   `1`, `'3000000000'` does not fit beside `5`. A failure makes the whole condition not match,
//!   whatever else it says.
//! - An absent property is unknown on the left of a comparison and unequal on the right of one.
//! - `NOT` binds tighter than comparisons: `NOT a = 'x'` is `(NOT a) = 'x'`.
//! - What follows a whole condition is ignored: `a = 1 + 1` is `a = 1`. See [`Condition::ignored`].

mod condition;
mod error;
mod java_number;
mod operand;
mod parser;
mod program;
mod token;
mod value;

pub use condition::{Condition, Verdict};
pub use error::SqlError;
