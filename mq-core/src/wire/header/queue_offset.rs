//! 29 to 32: where a queue begins, ends, and was at a time.

use bytestring::ByteString;
use mq_macros::Header;

use super::OffsetReply;
use crate::wire::{Request, RequestCode};

/// Asks for the offset behind the last message (`GetMaxOffsetRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetMaxOffset {
    /// The topic.
    pub topic: ByteString,
    /// The queue.
    pub queue_id: i32,
    /// Only what is replicated.
    pub committed: Option<bool>,
    /// The broker's name.
    #[header(name = "bname")]
    pub broker_name: Option<ByteString>,
}

impl Request for GetMaxOffset {
    const CODE: RequestCode = RequestCode::GET_MAX_OFFSET;
    type Reply = OffsetReply;
}

/// Asks for the offset of the first message (`GetMinOffsetRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetMinOffset {
    /// The topic.
    pub topic: ByteString,
    /// The queue.
    pub queue_id: i32,
    /// The broker's name.
    #[header(name = "bname")]
    pub broker_name: Option<ByteString>,
}

impl Request for GetMinOffset {
    const CODE: RequestCode = RequestCode::GET_MIN_OFFSET;
    type Reply = OffsetReply;
}

/// Asks for the offset at a time (`SearchOffsetRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct SearchOffset {
    /// The topic.
    pub topic: ByteString,
    /// The queue.
    pub queue_id: i32,
    /// Store time, ms since 1970.
    pub timestamp: i64,
    /// `upper`: the last message before; else the first at or after.
    pub boundary_type: Option<ByteString>,
    /// The broker's name.
    #[header(name = "bname")]
    pub broker_name: Option<ByteString>,
}

impl Request for SearchOffset {
    const CODE: RequestCode = RequestCode::SEARCH_OFFSET_BY_TIMESTAMP;
    type Reply = OffsetReply;
}

/// Asks when the first message was stored (`GetEarliestMsgStoretimeRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetEarliestStoreTime {
    /// The topic.
    pub topic: ByteString,
    /// The queue.
    pub queue_id: i32,
    /// The broker's name.
    #[header(name = "bname")]
    pub broker_name: Option<ByteString>,
}

impl Request for GetEarliestStoreTime {
    const CODE: RequestCode = RequestCode::GET_EARLIEST_MSG_STORETIME;
    type Reply = EarliestStoreTimeReply;
}

/// When the first message was stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct EarliestStoreTimeReply {
    /// ms since 1970; -1 when there is none.
    pub timestamp: i64,
}
