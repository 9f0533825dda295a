//! 38 and 40: the members of a group.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 38: the members of a group (`GetConsumerListByGroupRequestHeader`). The body of the answer is a
/// [`ConsumerIds`](crate::wire::body::ConsumerIds).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetConsumerListByGroup {
    /// The group.
    pub consumer_group: ByteString,
}

impl Request for GetConsumerListByGroup {
    const CODE: RequestCode = RequestCode::GET_CONSUMER_LIST_BY_GROUP;
    type Reply = NoFields;
}

/// 40, from the broker: the members of a group have changed, so rebalance
/// (`NotifyConsumerIdsChangedRequestHeader`). One-way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct NotifyConsumerIdsChanged {
    /// The group.
    pub consumer_group: ByteString,
}

impl Request for NotifyConsumerIdsChanged {
    const CODE: RequestCode = RequestCode::NOTIFY_CONSUMER_IDS_CHANGED;
    type Reply = NoFields;
}
