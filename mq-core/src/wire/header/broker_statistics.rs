//! 315, 317 and 328: counters, groups and producers of a whole broker.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 315: a counter (`ViewBrokerStatsDataRequestHeader`). The body of the answer is a
/// [`BrokerStatsData`](crate::wire::body::BrokerStatsData).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct ViewBrokerStatsData {
    /// What is counted, such as `TOPIC_PUT_NUMS`.
    pub stats_name: ByteString,
    /// Of what, such as the name of a topic.
    pub stats_key: ByteString,
}

impl Request for ViewBrokerStatsData {
    const CODE: RequestCode = RequestCode::VIEW_BROKER_STATS_DATA;
    type Reply = NoFields;
}

/// 317: the committed offsets of all groups (`GetConsumeStatsInBrokerHeader`). The body of the answer is
/// a [`ConsumeStatsList`](crate::wire::body::ConsumeStatsList).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct GetBrokerConsumeStats {
    /// Whether only ordered topics count.
    pub is_order: bool,
}

impl Request for GetBrokerConsumeStats {
    const CODE: RequestCode = RequestCode::GET_BROKER_CONSUME_STATS;
    type Reply = NoFields;
}

/// 328: the connections of all producer groups. The body of the answer is a
/// [`ProducerTable`](crate::wire::body::ProducerTable).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct GetAllProducerInfo;

impl Request for GetAllProducerInfo {
    const CODE: RequestCode = RequestCode::GET_ALL_PRODUCER_INFO;
    type Reply = NoFields;
}
