//! 203, 204 and 300: the connections of a group, and the groups that consume a topic.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 203: the connections of a consumer group (`GetConsumerConnectionListRequestHeader`). The body of
/// the answer is a [`ConsumerConnection`](crate::wire::body::ConsumerConnection).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetConsumerConnectionList {
    /// The group.
    pub consumer_group: ByteString,
}

impl Request for GetConsumerConnectionList {
    const CODE: RequestCode = RequestCode::GET_CONSUMER_CONNECTION_LIST;
    type Reply = NoFields;
}

/// 204: the connections of a producer group (`GetProducerConnectionListRequestHeader`). The body of
/// the answer is a [`ProducerConnection`](crate::wire::body::ProducerConnection).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetProducerConnectionList {
    /// The group.
    pub producer_group: ByteString,
}

impl Request for GetProducerConnectionList {
    const CODE: RequestCode = RequestCode::GET_PRODUCER_CONNECTION_LIST;
    type Reply = NoFields;
}

/// 300: the groups that consume a topic (`QueryTopicConsumeByWhoRequestHeader`). The body of the
/// answer is a [`GroupList`](crate::wire::body::GroupList).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct QueryTopicConsumeByWho {
    /// The topic.
    pub topic: ByteString,
}

impl Request for QueryTopicConsumeByWho {
    const CODE: RequestCode = RequestCode::QUERY_TOPIC_CONSUME_BY_WHO;
    type Reply = NoFields;
}
