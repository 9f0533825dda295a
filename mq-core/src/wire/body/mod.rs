//! The JSON bodies, named as Apache's classes are; [`fastjson`](super::fastjson) reads and writes
//! them.
//!
//! Every member may be absent: it then has the default that the Java class gives it.

mod broker_statistics;
mod check_client;
mod cluster;
mod cold_data;
mod connections;
mod consume_queue;
mod consumer_ids;
mod consumer_status;
mod data_version;
mod directly;
mod group_topic;
mod heartbeat;
mod kv_table;
mod lists;
mod lock;
mod queue;
mod register;
mod replication;
mod request_mode;
mod reset_offset;
mod route;
mod running_info;
mod statistics;
mod subscription_group;
mod time_span;
mod topic_config;
mod topic_list;

pub use broker_statistics::{
    BrokerStatsData, BrokerStatsItem, ConsumeStatsList, ProducerInfo, ProducerTable,
};
pub use check_client::CheckClientRequestBody;
pub use cluster::ClusterInfo;
pub use cold_data::{ColdData, ColdDataFlow};
pub use connections::{Connection, ConsumerConnection, GroupList, ProducerConnection};
pub use consume_queue::{ConsumeQueueEntries, ConsumeQueueEntry};
pub use consumer_ids::ConsumerIds;
pub use consumer_status::ConsumerStatus;
pub use data_version::DataVersion;
pub use directly::{ConsumeMessageDirectlyResult, DirectOutcome};
pub use group_topic::{CorrectionOffsets, GroupForbidden, GroupSubscription};
pub use heartbeat::{
    ConsumeFromWhere, ConsumeType, ConsumerData, HeartbeatData, MessageModel, ProducerData,
    SubscriptionData,
};
pub use kv_table::KvTable;
pub use lists::{SubscriptionGroupList, TopicConfigList};
pub use lock::{LockBatchRequestBody, LockBatchResponseBody};
pub use register::{RegisterBrokerBody, body_checksum};
pub use replication::{
    BrokerMemberGroup, BrokerMembers, HaClientRuntimeInfo, HaConnectionRuntimeInfo, HaRuntimeInfo,
};
pub use request_mode::{RequestMode, RequestModes};
pub use reset_offset::{QueueReset, ResetOffsetBody, ResetOffsetList};
pub use route::{BrokerData, QueueData, TopicRouteData};
pub use running_info::{ConsumeStatus, ConsumerRunningInfo, PoppedQueueInfo, ProcessQueueInfo};
pub use statistics::{ConsumeStats, OffsetWrapper, TopicOffset, TopicStatsTable};
pub use subscription_group::{
    CustomizedRetryPolicy, ExponentialRetryPolicy, GroupRetryPolicy, SimpleSubscriptionData,
    SubscriptionGroupConfig, SubscriptionGroups,
};
pub use time_span::{ConsumeTimeSpans, QueueTimeSpan};
pub use topic_config::{TopicConfig, TopicConfigs, TopicFilterType, UnknownFilterType, permission};
pub use topic_list::TopicList;
