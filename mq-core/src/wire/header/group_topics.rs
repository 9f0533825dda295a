//! 343, 345 and 353: a group and its topics.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 343: the topics in which a group has committed offsets (`QueryTopicsByConsumerRequestHeader`). The
/// body of the answer is a [`TopicList`](crate::wire::body::TopicList).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct QueryTopicsByConsumer {
    /// The group.
    pub group: ByteString,
}

impl Request for QueryTopicsByConsumer {
    const CODE: RequestCode = RequestCode::QUERY_TOPICS_BY_CONSUMER;
    type Reply = NoFields;
}

/// 345: the subscription of a connected group (`QuerySubscriptionByConsumerRequestHeader`). The body of
/// the answer is a [`GroupSubscription`](crate::wire::body::GroupSubscription).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct QuerySubscriptionByConsumer {
    /// The group.
    pub group: ByteString,
    /// The topic.
    pub topic: Option<ByteString>,
}

impl Request for QuerySubscriptionByConsumer {
    const CODE: RequestCode = RequestCode::QUERY_SUBSCRIPTION_BY_CONSUMER;
    type Reply = NoFields;
}

/// 353: forbid a group to read a topic, or ask whether it is forbidden
/// (`UpdateGroupForbiddenRequestHeader`). The body of the answer is a
/// [`GroupForbidden`](crate::wire::body::GroupForbidden).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct UpdateAndGetGroupForbidden {
    /// The group.
    pub group: ByteString,
    /// The topic.
    pub topic: ByteString,
    /// Whether the group may read the topic from now on; absent changes nothing.
    pub readable: Option<bool>,
}

impl Request for UpdateAndGetGroupForbidden {
    const CODE: RequestCode = RequestCode::UPDATE_AND_GET_GROUP_FORBIDDEN;
    type Reply = NoFields;
}
