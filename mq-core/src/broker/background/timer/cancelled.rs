//! Which of the messages that are due soon were cancelled.
//!
//! A message that cancels another bears its unique key, alone or behind the topic and a `+`
//! (`TimerMessageStore.buildDeleteKey`), and waits for the same time. Apache's broker rounds that time
//! down to a second, so that messages of neighboring seconds may belong together.

use std::collections::HashMap;

use super::second::Timer;
use crate::message::{MessageExt, property};

/// How far the time of a message may be from that of the one that cancels it.
pub(super) const SLACK_MS: i64 = 2_000;

/// Keys that were cancelled, and for which times.
#[derive(Debug, Default)]
pub(super) struct Cancelled(HashMap<String, Vec<i64>>);

impl Cancelled {
    /// Notes what the message `cancel` cancels.
    pub(super) fn note(&mut self, timer: Timer, cancel: &MessageExt) {
        let properties = &cancel.message.properties;
        if let Some(key) = properties.get(property::TIMER_DEL_UNIQKEY) {
            self.0.entry(key.to_owned()).or_default().push(timer.due_ms);
        }
    }

    /// Whether a message is not to be delivered. Another one with its key may be for another time.
    pub(super) fn has(&self, timer: Timer, message: &MessageExt) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let properties = &message.message.properties;
        let Some(key) = properties.get(property::UNIQ_KEY) else {
            return false;
        };
        let topic = properties.get(property::REAL_TOPIC).unwrap_or_default();
        let is_cancelled = |key: &str| {
            let cancelled = self.0.get(key).map_or(&[][..], Vec::as_slice);
            let mut distances = cancelled.iter().map(|at_ms| at_ms.abs_diff(timer.due_ms));
            distances.any(|distance| distance <= SLACK_MS.unsigned_abs())
        };
        is_cancelled(key) || is_cancelled(&format!("{topic}+{key}"))
    }

    /// Forgets what was cancelled for a time before `time_ms`.
    pub(super) fn drop_before(&mut self, time_ms: i64) {
        self.0.retain(|_, times| {
            times.retain(|due_ms| *due_ms >= time_ms);
            !times.is_empty()
        });
    }
}
