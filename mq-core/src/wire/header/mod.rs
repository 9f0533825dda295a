//! A typed header for every request and its answer, named after the request's code.

mod connections;
mod consumer_list;
mod group;
mod heart_beat;
mod kv_config;
mod lock;
mod offsets;
mod pull_message;
mod query_message;
mod recall;
mod register_broker;
mod reply;
mod reset_offset;
mod route;
mod runtime_info;
mod send_back;
mod send_message;
mod statistics;
mod topic;
mod transaction;
mod write_permission;

pub use connections::{
    GetConsumerConnectionList, GetProducerConnectionList, QueryTopicConsumeByWho,
};
pub use consumer_list::{GetConsumerListByGroup, NotifyConsumerIdsChanged};
pub use group::{
    DeleteSubscriptionGroup, GetAllSubscriptionGroupConfig, GetAllSubscriptionGroupConfigReply,
    GetSubscriptionGroupConfig, UpdateAndCreateSubscriptionGroup,
};
pub use heart_beat::{CheckClientConfig, HeartBeat, HeartBeatReply, UnregisterClient};
pub use kv_config::{
    DeleteKvConfig, GetKvConfig, GetKvConfigReply, GetKvListByNamespace, PutKvConfig,
};
pub use lock::{LockBatchMq, UnlockBatchMq};
pub use offsets::{
    BoundaryType, GetEarliestMsgStoreTime, GetMaxOffset, GetMinOffset, OffsetReply,
    QueryConsumerOffset, SearchOffsetByTimestamp, StoreTimeReply, UpdateConsumerOffset,
};
pub use pull_message::{LitePullMessage, PullMessage, PullMessageReply};
pub use query_message::{QueryMessage, QueryMessageReply, ViewMessageById};
pub use recall::{RecallMessage, RecallMessageReply};
pub use register_broker::{
    QueryDataVersion, QueryDataVersionReply, RegisterBroker, RegisterBrokerReply, UnregisterBroker,
};
pub use reply::{PushReplyMessage, SendReplyMessage, SendReplyMessageV1};
pub use reset_offset::{InvokeBrokerToResetOffset, ResetConsumerClientOffset};
pub use route::{
    DeleteTopicInNamesrv, GetAllTopicListFromNameserver, GetBrokerClusterInfo, GetNamesrvConfig,
    GetRouteInfoByTopic, GetSystemTopicListFromNs, GetTopicsByCluster, RegisterTopicInNamesrv,
};
pub use runtime_info::{GetBrokerConfig, GetBrokerConfigReply, GetBrokerRuntimeInfo};
pub use send_back::ConsumerSendMsgBack;
pub use send_message::{SendBatchMessage, SendMessage, SendMessageReply, SendMessageV1};
pub use statistics::{GetConsumeStats, GetTopicStatsInfo};
pub use topic::{
    DeleteTopicInBroker, GetAllTopicConfig, GetAllTopicConfigReply, GetTopicConfig,
    UpdateAndCreateTopic,
};
pub use transaction::{CheckTransactionState, EndTransaction};
pub use write_permission::{
    AddWritePermOfBroker, AddWritePermOfBrokerReply, WipeWritePermOfBroker,
    WipeWritePermOfBrokerReply,
};
