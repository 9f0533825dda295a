//! 14 and 15: how far a group is in a queue.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::{NoFields, Request, RequestCode};

/// Asks for the committed offset (`QueryConsumerOffsetRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct QueryConsumerOffset {
    /// The group.
    pub consumer_group: ByteString,
    /// The topic.
    pub topic: ByteString,
    /// The queue.
    pub queue_id: i32,
    /// `false`: a group without an offset gets code 22 whatever the queue holds.
    pub set_zero_if_not_found: Option<bool>,
    /// The broker's name.
    #[header(name = "bname")]
    pub broker_name: Option<ByteString>,
}

impl Request for QueryConsumerOffset {
    const CODE: RequestCode = RequestCode::QUERY_CONSUMER_OFFSET;
    type Reply = OffsetReply;
}

/// One offset (`QueryConsumerOffsetResponseHeader` and others).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct OffsetReply {
    /// The offset.
    pub offset: i64,
}

/// Commits an offset (`UpdateConsumerOffsetRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct UpdateConsumerOffset {
    /// The group.
    pub consumer_group: ByteString,
    /// The topic.
    pub topic: ByteString,
    /// The queue.
    pub queue_id: Option<i32>,
    /// The next message to consume.
    pub commit_offset: Option<i64>,
    /// The broker's name.
    #[header(name = "bname")]
    pub broker_name: Option<ByteString>,
}

impl Request for UpdateConsumerOffset {
    const CODE: RequestCode = RequestCode::UPDATE_CONSUMER_OFFSET;
    type Reply = NoFields;
}
