//! 17, 21, 215, 351: topics of a broker.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::{NoFields, Request, RequestCode};

/// Creates or changes a topic (`CreateTopicRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct CreateTopic {
    /// Its name.
    pub topic: ByteString,
    /// A template; not used.
    pub default_topic: Option<ByteString>,
    /// Queues to read from.
    pub read_queue_nums: i32,
    /// Queues to write to.
    pub write_queue_nums: i32,
    /// 4 read, 2 write, 1 template.
    pub perm: i32,
    /// `SINGLE_TAG` or `MULTI_TAG`.
    pub topic_filter_type: Option<ByteString>,
    /// Unit flags.
    pub topic_sys_flag: Option<i32>,
    /// Whether its messages are ordered.
    #[header(default)]
    pub order: bool,
    /// Changes of attributes: `+k=v,-k`.
    pub attributes: Option<ByteString>,
    /// Force.
    pub force: Option<bool>,
}

impl Request for CreateTopic {
    const CODE: RequestCode = RequestCode::UPDATE_AND_CREATE_TOPIC;
    type Reply = NoFields;
}

/// Deletes a topic (`DeleteTopicRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct DeleteTopic {
    /// Its name.
    pub topic: ByteString,
}

impl Request for DeleteTopic {
    const CODE: RequestCode = RequestCode::DELETE_TOPIC_IN_BROKER;
    type Reply = NoFields;
}

/// Asks for all topics; the body of the answer holds them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetAllTopicConfig {
    /// The first of a page.
    pub topic_seq: Option<i32>,
    /// Length of a page.
    pub max_topic_num: Option<i32>,
    /// The version the page belongs to.
    pub data_version: Option<ByteString>,
}

impl Request for GetAllTopicConfig {
    const CODE: RequestCode = RequestCode::GET_ALL_TOPIC_CONFIG;
    type Reply = GetAllTopicConfigReply;
}

/// How many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetAllTopicConfigReply {
    /// All topics.
    pub total_topic_num: Option<i32>,
}

/// Asks for one topic (`GetTopicConfigRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetTopicConfig {
    /// Its name.
    pub topic: ByteString,
}

impl Request for GetTopicConfig {
    const CODE: RequestCode = RequestCode::GET_TOPIC_CONFIG;
    type Reply = NoFields;
}

/// Asks for the offsets of a topic's queues (`GetTopicStatsInfoRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetTopicStats {
    /// Its name.
    pub topic: ByteString,
}

impl Request for GetTopicStats {
    const CODE: RequestCode = RequestCode::GET_TOPIC_STATS_INFO;
    type Reply = NoFields;
}
