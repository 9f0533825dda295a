//! 18 and 225: several topics or several groups of a broker at once.

use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 18: create or change several topics; the body is a
/// [`TopicConfigList`](crate::wire::body::TopicConfigList).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct UpdateAndCreateTopicList;

impl Request for UpdateAndCreateTopicList {
    const CODE: RequestCode = RequestCode::UPDATE_AND_CREATE_TOPIC_LIST;
    type Reply = NoFields;
}

/// 225: create or change several groups; the body is a
/// [`SubscriptionGroupList`](crate::wire::body::SubscriptionGroupList).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct UpdateAndCreateSubscriptionGroupList;

impl Request for UpdateAndCreateSubscriptionGroupList {
    const CODE: RequestCode = RequestCode::UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST;
    type Reply = NoFields;
}
