//! Transactions (`TransactionalMessageServiceImpl`): half messages wait in a topic of their own until
//! their producer ends them, or is asked how they ended.
//!
//! Invariant: every move appends the new record before the record that ends the old one, both in one
//! append. A crash leaves a message in one place or in both, never in neither.

mod checks;
mod ending;
mod half;
mod open_halves;
mod outliving;
mod progress;
mod reading;
mod records;
mod resume;
mod service;

pub(in crate::broker) use ending::{End, EndError, Verdict};
pub(in crate::broker) use half::{HALF_TOPIC, divert, is_half};
pub(in crate::broker) use resume::ResumeError;
pub(in crate::broker) use service::{Transactions, TransactionsOf};
