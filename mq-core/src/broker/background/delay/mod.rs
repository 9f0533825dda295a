//! Delayed messages: before they go to their topic they wait in `SCHEDULE_TOPIC_XXXX`, in the queue
//! of their level (`HookUtils.transformDelayLevelMessage`).
//!
//! Invariant: all messages of a level have the same delay, so after the first one that is not due
//! none is.

mod divert;
mod schedule;
mod service;

pub(in crate::broker) use divert::{divert, is_delayed, undivert};
pub(in crate::broker) use schedule::{Leaving, Schedule};
pub(in crate::broker) use service::DelayService;
