//! 17, 21, 215 and 351: the topics of a broker.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 17: create a topic or change it (`CreateTopicRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct UpdateAndCreateTopic {
    /// The topic.
    pub topic: ByteString,
    /// The template topic; brokers ignore it.
    #[header(default)]
    pub default_topic: ByteString,
    /// Queues that consumers see.
    pub read_queue_nums: i32,
    /// Queues that producers see.
    pub write_queue_nums: i32,
    /// Bits: 4 read, 2 write, 1 usable as template.
    pub perm: i32,
    /// `SINGLE_TAG` or `MULTI_TAG`; absent means the first.
    pub topic_filter_type: Option<ByteString>,
    /// Bits: 1 unit topic, 2 has unit subscriptions.
    pub topic_sys_flag: Option<i32>,
    /// Whether the topic is ordered over several brokers.
    #[header(default)]
    pub order: bool,
    /// Changes of attributes: `+key=value,-key`.
    pub attributes: Option<ByteString>,
    /// Overwrite what a static topic forbids.
    pub force: Option<bool>,
}

impl Request for UpdateAndCreateTopic {
    const CODE: RequestCode = RequestCode::UPDATE_AND_CREATE_TOPIC;
    type Reply = NoFields;
}

/// 21: all topics of a broker (`GetAllTopicConfigRequestHeader`). The body of the answer is a
/// [`TopicConfigs`](crate::wire::body::TopicConfigs).
///
/// 4.x sends no field and gets everything; 5.x may ask page by page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetAllTopicConfig {
    /// The first topic wanted.
    pub topic_seq: Option<i32>,
    /// At most so many topics.
    pub max_topic_num: Option<i32>,
    /// The version, as JSON, that the pages before this one had.
    pub data_version: Option<ByteString>,
}

impl Request for GetAllTopicConfig {
    const CODE: RequestCode = RequestCode::GET_ALL_TOPIC_CONFIG;
    type Reply = GetAllTopicConfigReply;
}

/// The answer to 21 (`GetAllTopicConfigResponseHeader`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct GetAllTopicConfigReply {
    /// How many topics there are; absent means that the body holds them all.
    pub total_topic_num: Option<i32>,
}

/// 215: delete a topic with its queues and offsets (`DeleteTopicRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct DeleteTopicInBroker {
    /// The topic.
    pub topic: ByteString,
}

impl Request for DeleteTopicInBroker {
    const CODE: RequestCode = RequestCode::DELETE_TOPIC_IN_BROKER;
    type Reply = NoFields;
}

/// 351: one topic (`GetTopicConfigRequestHeader`). The body of the answer is a
/// [`TopicConfig`](crate::wire::body::TopicConfig).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetTopicConfig {
    /// The topic.
    pub topic: ByteString,
    /// Whether a static topic is meant as it is on this broker.
    #[header(name = "lo")]
    pub logical: Option<bool>,
}

impl Request for GetTopicConfig {
    const CODE: RequestCode = RequestCode::GET_TOPIC_CONFIG;
    type Reply = NoFields;
}
