//! The answers to 315, 317 and 328 (`BrokerStatsData`, `ConsumeStatsList`, `ProducerTableInfo`).

use std::collections::BTreeMap;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

use super::statistics::ConsumeStats;
use crate::wire::language::Language;

/// A counter of a broker over three spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BrokerStatsData {
    /// Over the last day.
    pub stats_day: BrokerStatsItem,
    /// Over the last hour.
    pub stats_hour: BrokerStatsItem,
    /// Over the last minute.
    pub stats_minute: BrokerStatsItem,
}

/// A counter over one span (`BrokerStatsItem`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BrokerStatsItem {
    /// The average of one time that was counted.
    pub avgpt: f64,
    /// The sum.
    pub sum: i64,
    /// The sum for each second.
    pub tps: f64,
}

/// The committed offsets of all groups of a broker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConsumeStatsList {
    /// The address of the broker.
    pub broker_addr: ByteString,
    /// For each group a map with one entry: the group, and its offsets in each topic.
    pub consume_stats_list: Vec<BTreeMap<ByteString, Vec<ConsumeStats>>>,
    /// Messages that no group has committed yet, summed over the groups.
    pub total_diff: i64,
    /// Messages that were delivered and not committed, summed over the groups.
    pub total_inflight_diff: i64,
}

/// The connections of all producer groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProducerTable {
    /// Connections by group.
    pub data: BTreeMap<ByteString, Vec<ProducerInfo>>,
}

/// A connection of a producer (`ProducerInfo`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProducerInfo {
    /// The client.
    pub client_id: ByteString,
    /// What the client is written in.
    pub language: Language,
    /// When its last heartbeat came, ms since 1970.
    pub last_update_timestamp: i64,
    /// Where it comes from; Java writes a `/` before the address.
    #[serde(rename = "remoteIP")]
    pub remote_ip: ByteString,
    /// The client's version.
    pub version: i32,
}
