//! A typed header for every request and its answer, a file per request or family of them.

mod broker_info;
mod consumer_group;
mod consumer_offset;
mod heart_beat;
mod kv_config;
mod lock;
mod pull_message;
mod query_message;
mod queue_offset;
mod register_broker;
mod reset_offset;
mod route;
mod send_back;
mod send_message;
mod subscription_group;
mod topic;

pub use broker_info::{GetBrokerConfig, GetBrokerConfigReply, GetRuntimeInfo};
pub use consumer_group::{GetConsumerList, NotifyConsumerIdsChanged};
pub use consumer_offset::{OffsetReply, QueryConsumerOffset, UpdateConsumerOffset};
pub use heart_beat::{CheckClientConfig, HeartBeat, HeartBeatReply, UnregisterClient};
pub use kv_config::{DeleteKvConfig, GetKvConfig, GetKvConfigReply, GetKvList, PutKvConfig};
pub use lock::{LockBatch, UnlockBatch};
pub use pull_message::{LitePullMessage, PullMessage, PullMessageReply};
pub use query_message::{QueryMessage, QueryMessageReply, ViewMessage};
pub use queue_offset::{
    EarliestStoreTimeReply, GetEarliestStoreTime, GetMaxOffset, GetMinOffset, SearchOffset,
};
pub use register_broker::{
    QueryDataVersion, QueryDataVersionReply, RegisterBroker, RegisterBrokerReply, UnregisterBroker,
};
pub use reset_offset::{NotifyResetOffset, ResetOffset};
pub use route::{
    AddWritePerm, AddWritePermReply, ForgetTopic, GetAllTopics, GetClusterInfo, GetNamesrvConfig,
    GetRoute, GetSystemTopics, GetTopicsByCluster, RegisterTopic, WipeWritePerm,
    WipeWritePermReply,
};
pub use send_back::ConsumerSendBack;
pub use send_message::{SendBatchMessage, SendMessage, SendMessageReply, SendMessageV1};
pub use subscription_group::{CreateGroup, DeleteGroup, GetAllGroups, GetAllGroupsReply, GetGroup};
pub use topic::{
    CreateTopic, DeleteTopic, GetAllTopicConfig, GetAllTopicConfigReply, GetTopicConfig,
    GetTopicStats,
};
