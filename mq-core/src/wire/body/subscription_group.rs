//! Groups: the body of 200, the answers to 201 and 352 (`SubscriptionGroupConfig`,
//! `SubscriptionGroupWrapper`).

use std::collections::BTreeMap;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

use super::data_version::DataVersion;

/// The configuration of a consumer group on a broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the members of Apache's class"
)]
pub struct SubscriptionGroupConfig {
    /// The group.
    pub group_name: ByteString,
    /// Whether it may consume at all.
    pub consume_enable: bool,
    /// Whether it may start at the beginning of a queue.
    pub consume_from_min_enable: bool,
    /// Whether it may broadcast.
    pub consume_broadcast_enable: bool,
    /// Whether popped messages are delivered in order.
    pub consume_message_orderly: bool,
    /// Queues of its retry topic.
    pub retry_queue_nums: i32,
    /// Attempts after the first, before a message becomes a dead letter.
    pub retry_max_times: i32,
    /// The pauses between attempts.
    pub group_retry_policy: GroupRetryPolicy,
    /// The id of the broker it pulls from: 0 is the master.
    pub broker_id: i64,
    /// Which broker it pulls from when it lags far behind.
    pub which_broker_when_consume_slowly: i64,
    /// Whether members are notified when others join or leave, so that they rebalance at once.
    pub notify_consumer_ids_changed_enable: bool,
    /// Bits for the client.
    pub group_sys_flag: i32,
    /// How long a listener may take for a message, in minutes.
    pub consume_timeout_minute: i32,
    /// What it is subscribed to, when an administrator said so.
    pub subscription_data_set: Option<Vec<SimpleSubscriptionData>>,
    /// Further settings.
    pub attributes: BTreeMap<ByteString, ByteString>,
}

impl Default for SubscriptionGroupConfig {
    fn default() -> Self {
        Self {
            group_name: ByteString::new(),
            consume_enable: true,
            consume_from_min_enable: true,
            consume_broadcast_enable: true,
            consume_message_orderly: false,
            retry_queue_nums: 1,
            retry_max_times: 16,
            group_retry_policy: GroupRetryPolicy::default(),
            broker_id: 0,
            which_broker_when_consume_slowly: 1,
            notify_consumer_ids_changed_enable: true,
            group_sys_flag: 0,
            consume_timeout_minute: 15,
            subscription_data_set: None,
            attributes: BTreeMap::new(),
        }
    }
}

/// The pauses between attempts (`GroupRetryPolicy`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GroupRetryPolicy {
    /// `CUSTOMIZED` or `EXPONENTIAL`.
    #[serde(rename = "type")]
    pub kind: ByteString,
    /// The policy when `kind` is `EXPONENTIAL`.
    pub exponential_retry_policy: Option<ExponentialRetryPolicy>,
    /// The policy when `kind` is `CUSTOMIZED`.
    pub customized_retry_policy: Option<CustomizedRetryPolicy>,
}

impl Default for GroupRetryPolicy {
    fn default() -> Self {
        Self {
            kind: ByteString::from_static("CUSTOMIZED"),
            exponential_retry_policy: None,
            customized_retry_policy: None,
        }
    }
}

/// Each attempt waits longer than the one before (`ExponentialRetryPolicy`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExponentialRetryPolicy {
    /// The first wait, in ms.
    pub initial: i64,
    /// The longest wait, in ms.
    pub max: i64,
    /// The factor from one wait to the next.
    pub multiplier: i64,
}

impl Default for ExponentialRetryPolicy {
    fn default() -> Self {
        Self {
            initial: 5_000,
            max: 2 * 3_600 * 1_000,
            multiplier: 2,
        }
    }
}

/// A wait for each attempt (`CustomizedRetryPolicy`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CustomizedRetryPolicy {
    /// The waits, in ms.
    pub next: Vec<i64>,
}

/// What a group is subscribed to (`SimpleSubscriptionData`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SimpleSubscriptionData {
    /// The topic.
    pub topic: ByteString,
    /// `TAG` or `SQL92`.
    pub expression_type: ByteString,
    /// The expression.
    pub expression: ByteString,
    /// When it was made.
    pub version: i64,
}

/// All groups of a broker (`SubscriptionGroupWrapper`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionGroups {
    /// Groups by name.
    pub subscription_group_table: BTreeMap<ByteString, SubscriptionGroupConfig>,
    /// What a group may not do with a topic, by group and topic, as bits.
    #[serde(default)]
    pub forbidden_table: BTreeMap<ByteString, BTreeMap<ByteString, i32>>,
    /// The version of both.
    #[serde(default)]
    pub data_version: DataVersion,
}
