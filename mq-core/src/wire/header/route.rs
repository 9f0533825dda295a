//! 105, 106, 206, 216, 217, 224, 304, 205, 327: what a name server knows.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::{NoFields, Request, RequestCode};

/// Asks where a topic is (`GetRouteInfoRequestHeader`); the answer's body is `TopicRouteData`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetRoute {
    /// The topic.
    pub topic: ByteString,
    /// Whether keys must be quoted.
    pub accept_standard_json_only: Option<bool>,
}

impl Request for GetRoute {
    const CODE: RequestCode = RequestCode::GET_ROUTEINFO_BY_TOPIC;
    type Reply = NoFields;
}

/// Asks for all brokers; the answer's body is `ClusterInfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetClusterInfo {}

impl Request for GetClusterInfo {
    const CODE: RequestCode = RequestCode::GET_BROKER_CLUSTER_INFO;
    type Reply = NoFields;
}

/// Asks for all topics; the answer's body is `TopicList`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetAllTopics {}

impl Request for GetAllTopics {
    const CODE: RequestCode = RequestCode::GET_ALL_TOPIC_LIST_FROM_NAMESERVER;
    type Reply = NoFields;
}

/// Forgets a topic (`DeleteTopicFromNamesrvRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct ForgetTopic {
    /// The topic.
    pub topic: ByteString,
    /// Only on the brokers of this cluster.
    pub cluster_name: Option<ByteString>,
}

impl Request for ForgetTopic {
    const CODE: RequestCode = RequestCode::DELETE_TOPIC_IN_NAMESRV;
    type Reply = NoFields;
}

/// Makes a topic known (`RegisterTopicRequestHeader`); the body is `TopicRouteData`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct RegisterTopic {
    /// The topic.
    pub topic: ByteString,
}

impl Request for RegisterTopic {
    const CODE: RequestCode = RequestCode::REGISTER_TOPIC_IN_NAMESRV;
    type Reply = NoFields;
}

/// Asks for the topics of a cluster (`GetTopicsByClusterRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetTopicsByCluster {
    /// The cluster.
    pub cluster: ByteString,
}

impl Request for GetTopicsByCluster {
    const CODE: RequestCode = RequestCode::GET_TOPICS_BY_CLUSTER;
    type Reply = NoFields;
}

/// Asks for names of clusters and brokers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetSystemTopics {}

impl Request for GetSystemTopics {
    const CODE: RequestCode = RequestCode::GET_SYSTEM_TOPIC_LIST_FROM_NS;
    type Reply = NoFields;
}

/// Makes a broker read-only (`WipeWritePermOfBrokerRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct WipeWritePerm {
    /// Its name.
    pub broker_name: ByteString,
}

impl Request for WipeWritePerm {
    const CODE: RequestCode = RequestCode::WIPE_WRITE_PERM_OF_BROKER;
    type Reply = WipeWritePermReply;
}

/// How many topics that changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct WipeWritePermReply {
    /// Topics.
    pub wipe_topic_count: i32,
}

/// Makes a broker writable (`AddWritePermOfBrokerRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct AddWritePerm {
    /// Its name.
    pub broker_name: ByteString,
}

impl Request for AddWritePerm {
    const CODE: RequestCode = RequestCode::ADD_WRITE_PERM_OF_BROKER;
    type Reply = AddWritePermReply;
}

/// How many topics that changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct AddWritePermReply {
    /// Topics.
    pub add_topic_count: i32,
}

/// Asks for the settings; the answer's body is properties text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetNamesrvConfig {}

impl Request for GetNamesrvConfig {
    const CODE: RequestCode = RequestCode::GET_NAMESRV_CONFIG;
    type Reply = NoFields;
}
