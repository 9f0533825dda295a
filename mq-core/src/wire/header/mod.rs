//! A typed header for every request and its answer, named after the request's code.

mod broker_statistics;
mod connections;
mod consumer_list;
mod group;
mod group_offsets;
mod group_topics;
mod heart_beat;
mod kv_config;
mod lists;
mod lock;
mod maintenance;
mod members;
mod offsets;
mod pull_message;
mod query_message;
mod recall;
mod register_broker;
mod replication;
mod reply;
mod request_mode;
mod reset_offset;
mod route;
mod runtime_info;
mod send_back;
mod send_message;
mod settings;
mod statistics;
mod topic;
mod transaction;
mod unit_topics;
mod write_permission;

pub use broker_statistics::{GetAllProducerInfo, GetBrokerConsumeStats, ViewBrokerStatsData};
pub use connections::{
    GetConsumerConnectionList, GetProducerConnectionList, QueryTopicConsumeByWho,
};
pub use consumer_list::{GetConsumerListByGroup, NotifyConsumerIdsChanged};
pub use group::{
    DeleteSubscriptionGroup, GetAllSubscriptionGroupConfig, GetAllSubscriptionGroupConfigReply,
    GetSubscriptionGroupConfig, UpdateAndCreateSubscriptionGroup,
};
pub use group_offsets::{
    CloneGroupOffset, GetAllConsumerOffset, GetAllDelayOffset, QueryConsumeTimeSpan,
    QueryCorrectionOffset,
};
pub use group_topics::{
    QuerySubscriptionByConsumer, QueryTopicsByConsumer, UpdateAndGetGroupForbidden,
};
pub use heart_beat::{CheckClientConfig, HeartBeat, HeartBeatReply, UnregisterClient};
pub use kv_config::{
    DeleteKvConfig, GetKvConfig, GetKvConfigReply, GetKvListByNamespace, PutKvConfig,
};
pub use lists::{UpdateAndCreateSubscriptionGroupList, UpdateAndCreateTopicList};
pub use lock::{LockBatchMq, UnlockBatchMq};
pub use maintenance::{
    CleanExpiredConsumeQueue, CleanUnusedTopic, DeleteExpiredCommitLog,
    GetSystemTopicListFromBroker, QueryConsumeQueue,
};
pub use members::{
    ConsumeMessageDirectly, GetConsumerRunningInfo, GetConsumerStatusFromClient,
    InvokeBrokerToGetConsumerStatus,
};
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
pub use replication::{
    BrokerHeartbeat, GetBrokerHaStatus, GetBrokerMemberGroup, ResetMasterFlushOffset,
};
pub use reply::{PushReplyMessage, SendReplyMessage, SendReplyMessageV1};
pub use request_mode::{GetAllMessageRequestMode, SetMessageRequestMode};
pub use reset_offset::{InvokeBrokerToResetOffset, ResetConsumerClientOffset};
pub use route::{
    DeleteTopicInNamesrv, GetAllTopicListFromNameserver, GetBrokerClusterInfo, GetNamesrvConfig,
    GetRouteInfoByTopic, GetSystemTopicListFromNs, GetTopicsByCluster, RegisterTopicInNamesrv,
};
pub use runtime_info::{GetBrokerConfig, GetBrokerConfigReply, GetBrokerRuntimeInfo};
pub use send_back::ConsumerSendMsgBack;
pub use send_message::{SendBatchMessage, SendMessage, SendMessageReply, SendMessageV1};
pub use settings::{
    GetColdDataFlowCtrInfo, SetCommitLogReadMode, UpdateBrokerConfig, UpdateNamesrvConfig,
};
pub use statistics::{GetConsumeStats, GetTopicStatsInfo};
pub use topic::{
    DeleteTopicInBroker, GetAllTopicConfig, GetAllTopicConfigReply, GetTopicConfig,
    UpdateAndCreateTopic,
};
pub use transaction::{CheckTransactionState, EndTransaction, ResumeCheckHalfMessage};
pub use unit_topics::{GetHasUnitSubTopicList, GetHasUnitSubUnunitTopicList, GetUnitTopicList};
pub use write_permission::{
    AddWritePermOfBroker, AddWritePermOfBrokerReply, WipeWritePermOfBroker,
    WipeWritePermOfBrokerReply,
};
