//! 14, 15 and 29 to 32: the offset that a group has committed in a queue, and the queue's own offsets.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::field_value::FieldValue;
use crate::wire::field_writer::FieldWriter;
use crate::wire::fields::FieldText;
use crate::wire::request::{NoFields, Request};

/// 14: the offset that a group has committed (`QueryConsumerOffsetRequestHeader`).
///
/// Refused with `QUERY_NOT_FOUND` when there is none: the group then starts where its
/// configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct QueryConsumerOffset {
    /// The group.
    pub consumer_group: ByteString,
    /// The topic.
    pub topic: ByteString,
    /// The queue.
    pub queue_id: i32,
    /// Whether a group without a committed offset is answered 0 while the first message of the queue
    /// is still in memory; absent means yes.
    pub set_zero_if_not_found: Option<bool>,
}

impl Request for QueryConsumerOffset {
    const CODE: RequestCode = RequestCode::QUERY_CONSUMER_OFFSET;
    type Reply = OffsetReply;
}

/// 15: commit an offset: the group has consumed every message before it (`UpdateConsumerOffsetRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct UpdateConsumerOffset {
    /// The group.
    pub consumer_group: ByteString,
    /// The topic.
    pub topic: ByteString,
    /// The queue; absent is refused with `INVALID_PARAMETER`.
    pub queue_id: Option<i32>,
    /// The first message not yet consumed; absent is refused with `INVALID_PARAMETER`.
    pub commit_offset: Option<i64>,
}

impl Request for UpdateConsumerOffset {
    const CODE: RequestCode = RequestCode::UPDATE_CONSUMER_OFFSET;
    type Reply = NoFields;
}

/// 29: the offset of the messages stored at a time (`SearchOffsetRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct SearchOffsetByTimestamp {
    /// The topic.
    pub topic: ByteString,
    /// The queue.
    pub queue_id: i32,
    /// The time, ms since 1970.
    pub timestamp: i64,
    /// Which of several messages stored at that time is meant.
    #[header(default)]
    pub boundary_type: BoundaryType,
}

impl Request for SearchOffsetByTimestamp {
    const CODE: RequestCode = RequestCode::SEARCH_OFFSET_BY_TIMESTAMP;
    type Reply = OffsetReply;
}

/// Which of several messages with the same time is meant (`BoundaryType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BoundaryType {
    /// The first; also what any unknown text means.
    #[default]
    Lower,
    /// The last.
    Upper,
}

impl FieldValue for BoundaryType {
    const EXPECTED: &'static str = "LOWER or UPPER";

    fn write(&self, name: &'static str, out: &mut FieldWriter<'_>) {
        let text = match self {
            Self::Lower => "LOWER",
            Self::Upper => "UPPER",
        };
        out.put(name, text);
    }

    fn read(text: FieldText<'_>) -> Option<Self> {
        let upper = text.as_bytes().eq_ignore_ascii_case(b"upper");
        Some(if upper { Self::Upper } else { Self::Lower })
    }
}

/// 30: the offset behind the last message of a queue (`GetMaxOffsetRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetMaxOffset {
    /// The topic.
    pub topic: ByteString,
    /// The queue.
    pub queue_id: i32,
    /// Whether only messages count that consumers may see.
    pub committed: Option<bool>,
}

impl Request for GetMaxOffset {
    const CODE: RequestCode = RequestCode::GET_MAX_OFFSET;
    type Reply = OffsetReply;
}

/// 31: the offset of the first message of a queue (`GetMinOffsetRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetMinOffset {
    /// The topic.
    pub topic: ByteString,
    /// The queue.
    pub queue_id: i32,
}

impl Request for GetMinOffset {
    const CODE: RequestCode = RequestCode::GET_MIN_OFFSET;
    type Reply = OffsetReply;
}

/// The answer to 14, 29, 30 and 31 (`QueryConsumerOffsetResponseHeader` and its like).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct OffsetReply {
    /// The queue offset.
    pub offset: i64,
}

/// 32: when the first message of a queue was stored (`GetEarliestMsgStoretimeRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetEarliestMsgStoreTime {
    /// The topic.
    pub topic: ByteString,
    /// The queue.
    pub queue_id: i32,
}

impl Request for GetEarliestMsgStoreTime {
    const CODE: RequestCode = RequestCode::GET_EARLIEST_MSG_STORETIME;
    type Reply = StoreTimeReply;
}

/// The answer to 32 (`GetEarliestMsgStoretimeResponseHeader`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct StoreTimeReply {
    /// Milliseconds since 1970; -1 when the queue is empty.
    pub timestamp: i64,
}
