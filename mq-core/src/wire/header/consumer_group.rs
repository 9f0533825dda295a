//! 38 and 40: the members of a group.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::{NoFields, Request, RequestCode};

/// Asks for the members (`GetConsumerListByGroupRequestHeader`); the body is a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetConsumerList {
    /// The group.
    pub consumer_group: ByteString,
    /// The broker's name.
    #[header(name = "bname")]
    pub broker_name: Option<ByteString>,
}

impl Request for GetConsumerList {
    const CODE: RequestCode = RequestCode::GET_CONSUMER_LIST_BY_GROUP;
    type Reply = NoFields;
}

/// The members have changed (`NotifyConsumerIdsChangedRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct NotifyConsumerIdsChanged {
    /// The group.
    pub consumer_group: ByteString,
}

impl Request for NotifyConsumerIdsChanged {
    const CODE: RequestCode = RequestCode::NOTIFY_CONSUMER_IDS_CHANGED;
    type Reply = NoFields;
}
