//! 202 and 208: the offsets of a topic's queues, and those that a group has committed in them.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 202: the offsets of a topic's queues (`GetTopicStatsInfoRequestHeader`). The body of the
/// answer is a [`TopicStatsTable`](crate::wire::body::TopicStatsTable).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetTopicStatsInfo {
    /// The topic.
    pub topic: ByteString,
}

impl Request for GetTopicStatsInfo {
    const CODE: RequestCode = RequestCode::GET_TOPIC_STATS_INFO;
    type Reply = NoFields;
}

/// 208: the committed offsets of a group (`GetConsumeStatsRequestHeader`). The body of the answer is a
/// [`ConsumeStats`](crate::wire::body::ConsumeStats).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetConsumeStats {
    /// The group.
    pub consumer_group: ByteString,
    /// The topic; absent or empty means every topic in which the group has committed offsets.
    pub topic: Option<ByteString>,
    /// Topics joined by `;`. They are reported whether the group subscribes to them or not, and
    /// `topic` is then ignored.
    pub topic_list: Option<ByteString>,
}

impl Request for GetConsumeStats {
    const CODE: RequestCode = RequestCode::GET_CONSUME_STATS;
    type Reply = NoFields;
}
