//! The answers to 202 and 208 (`TopicStatsTable`, `ConsumeStats`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::message::MessageQueue;

/// The offsets of a topic's queues.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TopicStatsTable {
    /// Offsets by queue.
    pub offset_table: BTreeMap<MessageQueue, TopicOffset>,
    /// Messages stored per second, over the last minute.
    pub topic_put_tps: f64,
}

/// The offsets of a queue (`TopicOffset`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TopicOffset {
    /// When the last message was stored, ms since 1970; 0 when there was none, -1 when it is gone.
    pub last_update_timestamp: i64,
    /// The offset behind the last message.
    pub max_offset: i64,
    /// The offset of the first message.
    pub min_offset: i64,
}

/// The committed offsets of a group in the queues of its topics.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConsumeStats {
    /// Messages delivered to the group per second, over the last minute.
    pub consume_tps: f64,
    /// Offsets by queue.
    pub offset_table: BTreeMap<MessageQueue, OffsetWrapper>,
}

/// The committed offset of a group in a queue (`OffsetWrapper`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OffsetWrapper {
    /// The offset behind the last message.
    pub broker_offset: i64,
    /// The committed offset; 0 when the group has committed none.
    pub consumer_offset: i64,
    /// When the last consumed message was stored, ms since 1970; 0 when that is not known.
    pub last_timestamp: i64,
    /// The offset behind the last message that was delivered to the group.
    pub pull_offset: i64,
}
