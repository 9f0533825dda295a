//! Requests of administrators: topics, groups, members, messages, statistics, settings, the store
//! (`AdminBrokerProcessor`).

mod broker_statistics;
mod connections;
mod find_message;
mod group_offsets;
mod group_topics;
mod groups;
mod maintenance;
mod members;
mod replication;
mod request_mode;
mod reset;
mod runtime;
mod settings;
mod statistics;
mod topics;

use crate::broker::parts::Parts;
use crate::remoting::Router;
use crate::wire::header::{
    CleanExpiredConsumeQueue, CleanUnusedTopic, CloneGroupOffset, ConsumeMessageDirectly,
    DeleteExpiredCommitLog, DeleteSubscriptionGroup, DeleteTopicInBroker, GetAllConsumerOffset,
    GetAllDelayOffset, GetAllMessageRequestMode, GetAllProducerInfo, GetAllSubscriptionGroupConfig,
    GetAllTopicConfig, GetBrokerConfig, GetBrokerConsumeStats, GetBrokerHaStatus,
    GetBrokerRuntimeInfo, GetColdDataFlowCtrInfo, GetConsumeStats, GetConsumerConnectionList,
    GetConsumerRunningInfo, GetProducerConnectionList, GetSubscriptionGroupConfig,
    GetSystemTopicListFromBroker, GetTopicConfig, GetTopicStatsInfo,
    InvokeBrokerToGetConsumerStatus, InvokeBrokerToResetOffset, QueryConsumeQueue,
    QueryConsumeTimeSpan, QueryCorrectionOffset, QueryMessage, QuerySubscriptionByConsumer,
    QueryTopicConsumeByWho, QueryTopicsByConsumer, ResetMasterFlushOffset, SetCommitLogReadMode,
    SetMessageRequestMode, UpdateAndCreateSubscriptionGroup, UpdateAndCreateSubscriptionGroupList,
    UpdateAndCreateTopic, UpdateAndCreateTopicList, UpdateAndGetGroupForbidden, UpdateBrokerConfig,
    ViewBrokerStatsData, ViewMessageById,
};
use broker_statistics::BrokerStatistics;
use connections::ConnectionAdmin;
use find_message::FindMessage;
use group_offsets::GroupOffsets;
use group_topics::GroupTopics;
use groups::GroupAdmin;
use maintenance::Maintenance;
use members::MemberAdmin;
use replication::SingleMaster;
use request_mode::RequestModeAdmin;
use reset::Reset;
use runtime::RuntimeInfo;
use settings::SettingsAdmin;
use statistics::Statistics;
use topics::TopicAdmin;

pub(in crate::broker) fn routes(parts: &Parts) -> Router {
    topics_and_groups(parts)
        .merge(progress(parts))
        .merge(members(parts))
        .merge(broker(parts))
}

fn topics_and_groups(parts: &Parts) -> Router {
    let topics = TopicAdmin::new(parts);
    let groups = GroupAdmin::new(parts);
    let modes = RequestModeAdmin::new(parts);
    Router::default()
        .on::<UpdateAndCreateTopic>(topics.clone())
        .on::<UpdateAndCreateTopicList>(topics.clone())
        .on::<DeleteTopicInBroker>(topics.clone())
        .on::<GetAllTopicConfig>(topics.clone())
        .on::<GetTopicConfig>(topics)
        .on::<UpdateAndCreateSubscriptionGroup>(groups.clone())
        .on::<UpdateAndCreateSubscriptionGroupList>(groups.clone())
        .on::<UpdateAndGetGroupForbidden>(groups.clone())
        .on::<DeleteSubscriptionGroup>(groups.clone())
        .on::<GetAllSubscriptionGroupConfig>(groups.clone())
        .on::<GetSubscriptionGroupConfig>(groups)
        .on::<SetMessageRequestMode>(modes.clone())
        .on::<GetAllMessageRequestMode>(modes)
}

/// How far topics and groups are, and how they are moved.
fn progress(parts: &Parts) -> Router {
    let statistics = Statistics::new(parts);
    let offsets = GroupOffsets::new(parts);
    let groups = GroupTopics::new(parts);
    Router::default()
        .on::<GetTopicStatsInfo>(statistics.clone())
        .on::<GetConsumeStats>(statistics)
        .on::<InvokeBrokerToResetOffset>(Reset::new(parts))
        .on::<GetAllConsumerOffset>(offsets.clone())
        .on::<GetAllDelayOffset>(offsets.clone())
        .on::<QueryConsumeTimeSpan>(offsets.clone())
        .on::<QueryCorrectionOffset>(offsets.clone())
        .on::<CloneGroupOffset>(offsets)
        .on::<QueryTopicsByConsumer>(groups.clone())
        .on::<QuerySubscriptionByConsumer>(groups)
}

/// Clients that are connected.
fn members(parts: &Parts) -> Router {
    let connections = ConnectionAdmin::new(parts);
    let members = MemberAdmin::new(parts);
    Router::default()
        .on::<GetConsumerConnectionList>(connections.clone())
        .on::<GetProducerConnectionList>(connections.clone())
        .on::<QueryTopicConsumeByWho>(connections)
        .on::<GetConsumerRunningInfo>(members.clone())
        .on::<ConsumeMessageDirectly>(members.clone())
        .on::<InvokeBrokerToGetConsumerStatus>(members)
}

/// The broker as a whole, its messages and files.
fn broker(parts: &Parts) -> Router {
    let messages = FindMessage::new(parts);
    let settings = SettingsAdmin::new(parts);
    let statistics = BrokerStatistics::new(parts);
    let maintenance = Maintenance::new(parts);
    let single = SingleMaster::new(parts);
    Router::default()
        .on::<QueryMessage>(messages.clone())
        .on::<ViewMessageById>(messages)
        .on::<UpdateBrokerConfig>(settings.clone())
        .on::<GetBrokerConfig>(settings)
        .on::<GetBrokerRuntimeInfo>(RuntimeInfo::new(parts))
        .on::<ViewBrokerStatsData>(statistics.clone())
        .on::<GetBrokerConsumeStats>(statistics.clone())
        .on::<GetAllProducerInfo>(statistics)
        .on::<GetSystemTopicListFromBroker>(maintenance.clone())
        .on::<CleanExpiredConsumeQueue>(maintenance.clone())
        .on::<DeleteExpiredCommitLog>(maintenance.clone())
        .on::<CleanUnusedTopic>(maintenance.clone())
        .on::<QueryConsumeQueue>(maintenance)
        .on::<GetBrokerHaStatus>(single.clone())
        .on::<ResetMasterFlushOffset>(single.clone())
        .on::<GetColdDataFlowCtrInfo>(single.clone())
        .on::<SetCommitLogReadMode>(single)
}
