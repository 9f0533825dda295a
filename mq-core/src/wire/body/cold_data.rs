//! The answer to 2003 (`ColdDataCgCtrService.getColdDataFlowCtrInfo`).

use std::collections::BTreeMap;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

/// Limits of reading messages that are not in memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ColdDataFlow {
    /// The limit of a group that has none of its own, in bytes.
    pub cg_cold_read_threshold: i64,
    /// Limits by group, in bytes.
    pub config_table: BTreeMap<ByteString, i64>,
    /// Bytes that all groups read lately.
    pub global_acc: i64,
    /// The limit of all groups together, in bytes.
    pub global_cold_read_threshold: i64,
    /// What groups read lately, by group.
    pub runtime_table: BTreeMap<ByteString, ColdData>,
}

/// What a group read of messages that are not in memory (`AccAndTimeStamp`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ColdData {
    /// Bytes.
    pub cold_acc: i64,
    /// When it read last, ms since 1970.
    pub last_cold_read_time_mills: i64,
}

impl Default for ColdDataFlow {
    /// Nothing is limited; the thresholds are Apache's defaults.
    fn default() -> Self {
        Self {
            cg_cold_read_threshold: 3 * 1024 * 1024,
            config_table: BTreeMap::new(),
            global_acc: 0,
            global_cold_read_threshold: 100 * 1024 * 1024,
            runtime_table: BTreeMap::new(),
        }
    }
}
