//! 105, 106, 206, 216, 217, 224, 304 and 319: routes, topics and settings of a name server.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 105: the route of a topic (`GetRouteInfoRequestHeader`). The body of the answer is a
/// [`TopicRouteData`](crate::wire::body::TopicRouteData); refused with `TOPIC_NOT_EXIST` when
/// there is no route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetRouteInfoByTopic {
    /// The topic.
    pub topic: ByteString,
    /// Whether the answer must be strict JSON.
    pub accept_standard_json_only: Option<bool>,
}

impl Request for GetRouteInfoByTopic {
    const CODE: RequestCode = RequestCode::GET_ROUTEINFO_BY_TOPIC;
    type Reply = NoFields;
}

/// 106: all brokers. The body of the answer is a [`ClusterInfo`](crate::wire::body::ClusterInfo).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct GetBrokerClusterInfo;

impl Request for GetBrokerClusterInfo {
    const CODE: RequestCode = RequestCode::GET_BROKER_CLUSTER_INFO;
    type Reply = NoFields;
}

/// 206: all topics. The body of the answer is a [`TopicList`](crate::wire::body::TopicList).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct GetAllTopicListFromNameserver;

impl Request for GetAllTopicListFromNameserver {
    const CODE: RequestCode = RequestCode::GET_ALL_TOPIC_LIST_FROM_NAMESERVER;
    type Reply = NoFields;
}

/// 216: delete a topic's route (`DeleteTopicFromNamesrvRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct DeleteTopicInNamesrv {
    /// The topic.
    pub topic: ByteString,
    /// Delete only its queues on the brokers of this cluster.
    pub cluster_name: Option<ByteString>,
}

impl Request for DeleteTopicInNamesrv {
    const CODE: RequestCode = RequestCode::DELETE_TOPIC_IN_NAMESRV;
    type Reply = NoFields;
}

/// 217: register a topic's route (`RegisterTopicRequestHeader`); the body is a
/// [`TopicRouteData`](crate::wire::body::TopicRouteData).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct RegisterTopicInNamesrv {
    /// The topic.
    pub topic: ByteString,
}

impl Request for RegisterTopicInNamesrv {
    const CODE: RequestCode = RequestCode::REGISTER_TOPIC_IN_NAMESRV;
    type Reply = NoFields;
}

/// 224: the topics of a cluster (`GetTopicsByClusterRequestHeader`). The body of the answer is a
/// [`TopicList`](crate::wire::body::TopicList), empty for an unknown cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetTopicsByCluster {
    /// The cluster.
    pub cluster: ByteString,
}

impl Request for GetTopicsByCluster {
    const CODE: RequestCode = RequestCode::GET_TOPICS_BY_CLUSTER;
    type Reply = NoFields;
}

/// 304: the topics named after clusters and brokers. The body of the answer is a
/// [`TopicList`](crate::wire::body::TopicList).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct GetSystemTopicListFromNs;

impl Request for GetSystemTopicListFromNs {
    const CODE: RequestCode = RequestCode::GET_SYSTEM_TOPIC_LIST_FROM_NS;
    type Reply = NoFields;
}

/// 319: the name server's settings. The body of the answer is a text of Java properties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct GetNamesrvConfig;

impl Request for GetNamesrvConfig {
    const CODE: RequestCode = RequestCode::GET_NAMESRV_CONFIG;
    type Reply = NoFields;
}
