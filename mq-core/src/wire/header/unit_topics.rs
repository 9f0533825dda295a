//! 311, 312 and 313: topics of a name server by their unit flags.

use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 311: unit topics. The body of the answer is a [`TopicList`](crate::wire::body::TopicList).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct GetUnitTopicList;

impl Request for GetUnitTopicList {
    const CODE: RequestCode = RequestCode::GET_UNIT_TOPIC_LIST;
    type Reply = NoFields;
}

/// 312: topics with unit subscriptions. The body of the answer is a
/// [`TopicList`](crate::wire::body::TopicList).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct GetHasUnitSubTopicList;

impl Request for GetHasUnitSubTopicList {
    const CODE: RequestCode = RequestCode::GET_HAS_UNIT_SUB_TOPIC_LIST;
    type Reply = NoFields;
}

/// 313: topics with unit subscriptions that are no unit topics. The body of the answer is a
/// [`TopicList`](crate::wire::body::TopicList).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct GetHasUnitSubUnunitTopicList;

impl Request for GetHasUnitSubUnunitTopicList {
    const CODE: RequestCode = RequestCode::GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST;
    type Reply = NoFields;
}
