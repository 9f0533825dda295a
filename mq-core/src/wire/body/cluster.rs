//! The answer to 106 (`ClusterInfo`).

use std::collections::BTreeMap;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

use super::route::BrokerData;

/// All brokers that a name server knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClusterInfo {
    /// Brokers by name.
    pub broker_addr_table: BTreeMap<ByteString, BrokerData>,
    /// Names of brokers by cluster.
    pub cluster_addr_table: BTreeMap<ByteString, Vec<ByteString>>,
}
