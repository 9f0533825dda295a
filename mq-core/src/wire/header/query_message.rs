//! 12 and 33: messages by key and by id.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::{NoFields, Request, RequestCode};

/// Asks for messages with a key (`QueryMessageRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct QueryMessage {
    /// The topic.
    pub topic: ByteString,
    /// The key, or the unique id.
    pub key: ByteString,
    /// At most so many.
    pub max_num: i32,
    /// Stored at or after, ms since 1970.
    pub begin_timestamp: i64,
    /// Stored at or before, ms since 1970.
    pub end_timestamp: i64,
    /// Whether `key` is a unique id.
    #[header(name = "_UNIQUE_KEY_QUERY")]
    pub unique_key: Option<bool>,
}

impl Request for QueryMessage {
    const CODE: RequestCode = RequestCode::QUERY_MESSAGE;
    type Reply = QueryMessageReply;
}

/// How far the index is (`QueryMessageResponseHeader`); the body holds the records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct QueryMessageReply {
    /// Store time of the last indexed message.
    pub index_last_update_timestamp: i64,
    /// Physical offset of the last indexed message.
    pub index_last_update_phyoffset: i64,
}

/// Asks for the message at a physical offset (`ViewMessageRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct ViewMessage {
    /// The physical offset.
    pub offset: i64,
    /// The topic.
    pub topic: Option<ByteString>,
}

impl Request for ViewMessage {
    const CODE: RequestCode = RequestCode::VIEW_MESSAGE_BY_ID;
    type Reply = NoFields;
}
