//! Requests of administrators: topics, groups, messages, statistics (`AdminBrokerProcessor`).

mod connections;
mod find_message;
mod groups;
mod reset;
mod runtime;
mod settings;
mod statistics;
mod topics;

use crate::broker::parts::Parts;
use crate::remoting::Router;
use crate::wire::header::{
    DeleteSubscriptionGroup, DeleteTopicInBroker, GetAllSubscriptionGroupConfig, GetAllTopicConfig,
    GetBrokerConfig, GetBrokerRuntimeInfo, GetConsumeStats, GetConsumerConnectionList,
    GetProducerConnectionList, GetSubscriptionGroupConfig, GetTopicConfig, GetTopicStatsInfo,
    InvokeBrokerToResetOffset, QueryMessage, QueryTopicConsumeByWho,
    UpdateAndCreateSubscriptionGroup, UpdateAndCreateTopic, ViewMessageById,
};
use connections::ConnectionAdmin;
use find_message::FindMessage;
use groups::GroupAdmin;
use reset::Reset;
use runtime::RuntimeInfo;
use settings::SettingsAdmin;
use statistics::Statistics;
use topics::TopicAdmin;

pub(in crate::broker) fn routes(parts: &Parts) -> Router {
    let topics = TopicAdmin::new(parts);
    let groups = GroupAdmin::new(parts);
    let messages = FindMessage::new(parts);
    let statistics = Statistics::new(parts);
    let connections = ConnectionAdmin::new(parts);
    Router::default()
        .on::<UpdateAndCreateTopic>(topics.clone())
        .on::<DeleteTopicInBroker>(topics.clone())
        .on::<GetAllTopicConfig>(topics.clone())
        .on::<GetTopicConfig>(topics)
        .on::<UpdateAndCreateSubscriptionGroup>(groups.clone())
        .on::<DeleteSubscriptionGroup>(groups.clone())
        .on::<GetAllSubscriptionGroupConfig>(groups.clone())
        .on::<GetSubscriptionGroupConfig>(groups)
        .on::<QueryMessage>(messages.clone())
        .on::<ViewMessageById>(messages)
        .on::<GetTopicStatsInfo>(statistics.clone())
        .on::<GetConsumeStats>(statistics)
        .on::<GetConsumerConnectionList>(connections.clone())
        .on::<GetProducerConnectionList>(connections.clone())
        .on::<QueryTopicConsumeByWho>(connections)
        .on::<InvokeBrokerToResetOffset>(Reset::new(parts))
        .on::<GetBrokerConfig>(SettingsAdmin::new(parts))
        .on::<GetBrokerRuntimeInfo>(RuntimeInfo::new(parts))
}
