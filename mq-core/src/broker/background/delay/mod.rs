//! Messages that come later: on their way to their topic they wait in `SCHEDULE_TOPIC_XXXX`, in a
//! queue of their level (`HookUtils.transformDelayLevelMessage`).
//!
//! Invariant: within a level all wait equally long, so the first that is not due ends the round.

mod divert;
mod service;

pub(in crate::broker) use divert::{check_timer, divert, has_timer, is_delayed, undivert};
pub(in crate::broker) use service::{DelayService, Schedule};
