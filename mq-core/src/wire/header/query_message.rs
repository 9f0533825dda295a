//! 12 and 33: messages by key, and the message at a physical offset.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 12: messages with a key (`QueryMessageRequestHeader`); the body of the answer holds the records.
///
/// Refused with `QUERY_NOT_FOUND` when there is none. The index has only hashes of keys, so messages
/// with other keys may be among the answer: the caller compares the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct QueryMessage {
    /// The topic.
    pub topic: ByteString,
    /// The key, or the unique id.
    pub key: ByteString,
    /// At most so many messages.
    pub max_num: i32,
    /// Stored at this time or later, ms since 1970.
    pub begin_timestamp: i64,
    /// Stored at this time or earlier, ms since 1970.
    pub end_timestamp: i64,
    /// Whether `key` is a unique id; absent means no.
    #[header(name = "_UNIQUE_KEY_QUERY")]
    pub unique_key: Option<bool>,
}

impl Request for QueryMessage {
    const CODE: RequestCode = RequestCode::QUERY_MESSAGE;
    type Reply = QueryMessageReply;
}

/// The answer to 12: how far the index reaches (`QueryMessageResponseHeader`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct QueryMessageReply {
    /// When the last indexed message was stored, ms since 1970.
    pub index_last_update_timestamp: i64,
    /// The physical offset of the last indexed message.
    pub index_last_update_phyoffset: i64,
}

/// 33: the message at a physical offset (`ViewMessageRequestHeader`); the body of the answer holds
/// its record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct ViewMessageById {
    /// Its physical offset.
    pub offset: i64,
    /// The topic, from 5.x clients.
    pub topic: Option<ByteString>,
}

impl Request for ViewMessageById {
    const CODE: RequestCode = RequestCode::VIEW_MESSAGE_BY_ID;
    type Reply = NoFields;
}
