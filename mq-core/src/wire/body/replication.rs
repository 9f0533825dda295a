//! The answers to 901 and 907 (`GetBrokerMemberGroupResponseBody`, `HARuntimeInfo`).

use std::collections::BTreeMap;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

/// The answer to 901.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BrokerMembers {
    /// The broker and its slaves.
    pub broker_member_group: BrokerMemberGroup,
}

/// A broker and its slaves (`BrokerMemberGroup`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BrokerMemberGroup {
    /// Addresses by broker id; 0 is the master.
    pub broker_addrs: BTreeMap<i64, ByteString>,
    /// The name that they share.
    pub broker_name: ByteString,
    /// The cluster.
    pub cluster: ByteString,
}

/// The state of replication of a broker, which has no slaves here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HaRuntimeInfo {
    /// What a slave says of its connection.
    pub ha_client_runtime_info: HaClientRuntimeInfo,
    /// The connections of slaves.
    pub ha_connection_info: Vec<HaConnectionRuntimeInfo>,
    /// Slaves that are not far behind.
    pub in_sync_slave_nums: i32,
    /// Whether the broker is a master.
    pub master: bool,
    /// The physical offset behind its last message.
    pub master_commit_log_max_offset: i64,
}

/// What a slave says of its connection (`HAClientRuntimeInfo`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HaClientRuntimeInfo {
    /// Whether it is connected.
    pub activated: bool,
    /// When it read last, ms since 1970.
    pub last_read_timestamp: i64,
    /// When it wrote last, ms since 1970.
    pub last_write_timestamp: i64,
    /// How far its master is on disk.
    pub master_flush_offset: i64,
    /// The physical offset behind its last message.
    pub max_offset: i64,
    /// Bytes that came in the last second.
    pub transferred_byte_in_second: i64,
}

/// A slave (`HAConnectionRuntimeInfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HaConnectionRuntimeInfo {
    /// Its address.
    pub addr: ByteString,
    /// How many bytes it is behind.
    pub diff: i64,
    /// Whether that is not far.
    pub in_sync: bool,
    /// Up to where it has confirmed.
    pub slave_ack_offset: i64,
    /// From where it is sent bytes.
    pub transfer_from_where: i64,
    /// Bytes sent in the last second.
    pub transferred_byte_in_second: i64,
}
