//! Every request that a name server answers, one row each; all others are refused with code 3.

use super::processors::{BrokerProcessor, KvProcessor, SettingsProcessor, TopicProcessor};
use crate::remoting::Router;
use crate::wire::header::{
    AddWritePermOfBroker, BrokerHeartbeat, DeleteKvConfig, DeleteTopicInNamesrv,
    GetAllTopicListFromNameserver, GetBrokerClusterInfo, GetBrokerMemberGroup,
    GetHasUnitSubTopicList, GetHasUnitSubUnunitTopicList, GetKvConfig, GetKvListByNamespace,
    GetNamesrvConfig, GetRouteInfoByTopic, GetSystemTopicListFromNs, GetTopicsByCluster,
    GetUnitTopicList, PutKvConfig, QueryDataVersion, RegisterBroker, RegisterTopicInNamesrv,
    UnregisterBroker, UpdateNamesrvConfig, WipeWritePermOfBroker,
};

pub(super) fn routes(
    brokers: &BrokerProcessor,
    topics: &TopicProcessor,
    kv: &KvProcessor,
    settings: &SettingsProcessor,
) -> Router {
    Router::default()
        .on::<RegisterBroker>(brokers.clone())
        .on::<UnregisterBroker>(brokers.clone())
        .on::<QueryDataVersion>(brokers.clone())
        .on::<WipeWritePermOfBroker>(brokers.clone())
        .on::<AddWritePermOfBroker>(brokers.clone())
        .on::<BrokerHeartbeat>(brokers.clone())
        .on::<GetBrokerMemberGroup>(brokers.clone())
        .on::<GetRouteInfoByTopic>(topics.clone())
        .on::<GetBrokerClusterInfo>(topics.clone())
        .on::<GetAllTopicListFromNameserver>(topics.clone())
        .on::<GetTopicsByCluster>(topics.clone())
        .on::<GetSystemTopicListFromNs>(topics.clone())
        .on::<GetUnitTopicList>(topics.clone())
        .on::<GetHasUnitSubTopicList>(topics.clone())
        .on::<GetHasUnitSubUnunitTopicList>(topics.clone())
        .on::<DeleteTopicInNamesrv>(topics.clone())
        .on::<RegisterTopicInNamesrv>(topics.clone())
        .on::<PutKvConfig>(kv.clone())
        .on::<GetKvConfig>(kv.clone())
        .on::<DeleteKvConfig>(kv.clone())
        .on::<GetKvListByNamespace>(kv.clone())
        .on::<UpdateNamesrvConfig>(settings.clone())
        .on::<GetNamesrvConfig>(settings.clone())
}
