//! The JSON bodies, named as Apache's classes are; [`fastjson`](super::fastjson) reads and writes
//! them.
//!
//! Every member may be absent: it then has the default that the Java class gives it.

mod check_client;
mod cluster;
mod connections;
mod consumer_ids;
mod data_version;
mod heartbeat;
mod kv_table;
mod lock;
mod queue;
mod register;
mod reset_offset;
mod route;
mod statistics;
mod subscription_group;
mod topic_config;
mod topic_list;

pub use check_client::CheckClientRequestBody;
pub use cluster::ClusterInfo;
pub use connections::{Connection, ConsumerConnection, GroupList, ProducerConnection};
pub use consumer_ids::ConsumerIds;
pub use data_version::DataVersion;
pub use heartbeat::{
    ConsumeFromWhere, ConsumeType, ConsumerData, HeartbeatData, MessageModel, ProducerData,
    SubscriptionData,
};
pub use kv_table::KvTable;
pub use lock::{LockBatchRequestBody, LockBatchResponseBody};
pub use register::{RegisterBrokerBody, body_checksum};
pub use reset_offset::{QueueReset, ResetOffsetBody, ResetOffsetList};
pub use route::{BrokerData, QueueData, TopicRouteData};
pub use statistics::{ConsumeStats, OffsetWrapper, TopicOffset, TopicStatsTable};
pub use subscription_group::{
    CustomizedRetryPolicy, ExponentialRetryPolicy, GroupRetryPolicy, SimpleSubscriptionData,
    SubscriptionGroupConfig, SubscriptionGroups,
};
pub use topic_config::{TopicConfig, TopicConfigs, TopicFilterType, UnknownFilterType, permission};
pub use topic_list::TopicList;
