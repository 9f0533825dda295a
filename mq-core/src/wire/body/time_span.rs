//! The answer to 303 (`QueryConsumeTimeSpanBody`).

use serde::{Deserialize, Serialize};

use crate::message::{Date, MessageQueue};

/// The store times of a topic's queues, and of what a group consumed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConsumeTimeSpans {
    /// One for each queue.
    pub consume_time_span_set: Vec<QueueTimeSpan>,
}

/// The store times of a queue's messages, ms since 1970, each with the text that Java makes of it
/// (`QueueTimeSpan`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueTimeSpan {
    /// The queue.
    pub message_queue: MessageQueue,
    /// When the first message was stored.
    pub min_time_stamp: i64,
    /// When the last message was stored.
    pub max_time_stamp: i64,
    /// When the last message that the group consumed was stored.
    pub consume_time_stamp: i64,
    /// How long the first message that the group has not consumed has been stored, in ms.
    #[serde(default)]
    pub delay_time: i64,
    /// `min_time_stamp` as text.
    #[serde(default)]
    pub min_time_stamp_str: String,
    /// `max_time_stamp` as text.
    #[serde(default)]
    pub max_time_stamp_str: String,
    /// `consume_time_stamp` as text.
    #[serde(default)]
    pub consume_time_stamp_str: String,
}

impl QueueTimeSpan {
    /// The same with the texts of its times, in UTC.
    #[must_use]
    pub fn with_texts(self) -> Self {
        Self {
            min_time_stamp_str: text(self.min_time_stamp),
            max_time_stamp_str: text(self.max_time_stamp),
            consume_time_stamp_str: text(self.consume_time_stamp),
            ..self
        }
    }
}

/// `2026-11-29#14:05:09:123` (`UtilAll.YYYY_MM_DD_HH_MM_SS_SSS`).
fn text(time_ms: i64) -> String {
    let Date { year, month, day } = Date::at(time_ms);
    let in_day = time_ms.rem_euclid(24 * 60 * 60 * 1000);
    let (seconds, ms) = (in_day / 1000, in_day % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}#{hour:02}:{minute:02}:{second:02}:{ms:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_java_does() {
        assert_eq!(text(1_795_238_769_037), "2026-11-21#05:26:09:037");
        assert_eq!(text(-1), "1969-12-31#23:59:59:999");
    }
}
