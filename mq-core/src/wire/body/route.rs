//! The answer to 105 (`TopicRouteData`).

use std::collections::BTreeMap;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

/// The route of a topic: its brokers, and how many queues each has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TopicRouteData {
    /// Brokers in the order of an ordered topic: `broker:queues;…`.
    pub order_topic_conf: Option<ByteString>,
    /// The brokers that have the topic.
    pub broker_datas: Vec<BrokerData>,
    /// Filter servers by broker address.
    pub filter_server_table: BTreeMap<ByteString, Vec<ByteString>>,
    /// How many queues of the topic each broker has.
    pub queue_datas: Vec<QueueData>,
}

/// The queues of a topic on one broker (`QueueData`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct QueueData {
    /// The broker's name.
    pub broker_name: ByteString,
    /// Bits; see [`permission`](super::permission).
    pub perm: i32,
    /// Queues that consumers see.
    pub read_queue_nums: i32,
    /// Bits: 1 unit topic, 2 has unit subscriptions.
    pub topic_sys_flag: i32,
    /// Queues that producers see.
    pub write_queue_nums: i32,
}

/// A master and its slaves (`BrokerData`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BrokerData {
    /// Addresses by broker id; 0 is the master.
    pub broker_addrs: BTreeMap<i64, ByteString>,
    /// The name they share.
    pub broker_name: ByteString,
    /// Their cluster.
    pub cluster: ByteString,
    /// Whether a slave may act as master.
    pub enable_acting_master: bool,
    /// Their zone.
    pub zone_name: Option<ByteString>,
}
