//! The answer to 307 (`ConsumerRunningInfo`).

use std::collections::BTreeMap;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

use super::heartbeat::SubscriptionData;
use crate::message::MessageQueue;

/// The state of a running consumer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConsumerRunningInfo {
    /// The stacks of its threads, when they were asked for and it has threads.
    pub jstack: Option<ByteString>,
    /// The queues that it pops.
    pub mq_pop_table: BTreeMap<MessageQueue, PoppedQueueInfo>,
    /// The queues that are assigned to it.
    pub mq_table: BTreeMap<MessageQueue, ProcessQueueInfo>,
    /// Its settings; the keys of [`ConsumerRunningInfo`] among them.
    pub properties: BTreeMap<ByteString, ByteString>,
    /// Its rates by topic.
    pub status_table: BTreeMap<ByteString, ConsumeStatus>,
    /// Its subscriptions.
    pub subscription_set: Vec<SubscriptionData>,
    /// What the application says of itself.
    pub user_consumer_info: BTreeMap<ByteString, ByteString>,
}

impl ConsumerRunningInfo {
    /// The key of the name servers.
    pub const NAME_SERVERS: &str = "PROP_NAMESERVER_ADDR";
    /// The key of the number of threads that consume.
    pub const THREADS: &str = "PROP_THREADPOOL_CORE_SIZE";
    /// The key of whether queues are consumed in order.
    pub const ORDERLY: &str = "PROP_CONSUMEORDERLY";
    /// The key of whether the application pulls.
    pub const CONSUME_TYPE: &str = "PROP_CONSUME_TYPE";
    /// The key of the version.
    pub const VERSION: &str = "PROP_CLIENT_VERSION";
    /// The key of when the consumer started, ms since 1970.
    pub const STARTED: &str = "PROP_CONSUMER_START_TIMESTAMP";
}

/// A queue that is assigned to a consumer (`ProcessQueueInfo`). Times are ms since 1970, 0 for never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProcessQueueInfo {
    /// Messages that were pulled and not consumed yet.
    pub cached_msg_count: i32,
    /// The offset of the last of them.
    pub cached_msg_max_offset: i64,
    /// The offset of the first of them.
    pub cached_msg_min_offset: i64,
    /// Their bytes.
    #[serde(rename = "cachedMsgSizeInMiB")]
    pub cached_msg_size_in_mib: i32,
    /// The offset that is committed next.
    pub commit_offset: i64,
    /// Whether the queue was taken away; spelled as there.
    pub droped: bool,
    /// When a listener had messages of it last.
    pub last_consume_timestamp: i64,
    /// When the broker locked it last.
    pub last_lock_timestamp: i64,
    /// When it was pulled last.
    pub last_pull_timestamp: i64,
    /// Whether the broker has locked it for this consumer.
    pub locked: bool,
    /// Messages that a listener has, in order.
    pub transaction_msg_count: i32,
    /// The offset of the last of them.
    pub transaction_msg_max_offset: i64,
    /// The offset of the first of them.
    pub transaction_msg_min_offset: i64,
    /// How often it could not be unlocked.
    pub try_unlock_times: i64,
}

/// A queue that a consumer pops (`PopProcessQueueInfo`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PoppedQueueInfo {
    /// Whether the queue was taken away; spelled as there.
    pub droped: bool,
    /// When it was popped last, ms since 1970.
    pub last_pop_timestamp: i64,
    /// Messages that are not acknowledged yet.
    pub wait_ack_count: i32,
}

/// The rates of a consumer in a topic (`ConsumeStatus`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConsumeStatus {
    /// Messages that failed within the last hour.
    pub consume_failed_msgs: i64,
    /// Messages that failed for each second.
    #[serde(rename = "consumeFailedTPS")]
    pub consume_failed_tps: f64,
    /// Messages consumed for each second.
    #[serde(rename = "consumeOKTPS")]
    pub consume_ok_tps: f64,
    /// The average time of a listener, in ms.
    #[serde(rename = "consumeRT")]
    pub consume_rt: f64,
    /// The average time of a pull, in ms.
    #[serde(rename = "pullRT")]
    pub pull_rt: f64,
    /// Messages pulled for each second.
    #[serde(rename = "pullTPS")]
    pub pull_tps: f64,
}
