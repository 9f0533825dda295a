//! 220 and 222: reset the offsets of a consumer group.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 220, from the broker: go on from other offsets (`ResetOffsetRequestHeader`); the body is a
/// [`ResetOffsetBody`](crate::wire::body::ResetOffsetBody). One-way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct ResetConsumerClientOffset {
    /// The topic.
    pub topic: ByteString,
    /// The group.
    pub group: ByteString,
    /// The queue; below 0: all of them.
    pub queue_id: Option<i32>,
    /// The offset; below 0: by time.
    pub offset: Option<i64>,
    /// The time to go to, ms since 1970; -1: the end.
    pub timestamp: i64,
    /// Whether to go backwards too.
    #[header(default)]
    pub is_force: bool,
}

impl Request for ResetConsumerClientOffset {
    const CODE: RequestCode = RequestCode::RESET_CONSUMER_CLIENT_OFFSET;
    type Reply = NoFields;
}

/// 222: reset the offsets of a group (`ResetOffsetRequestHeader`). The body of the answer is a
/// [`ResetOffsetBody`](crate::wire::body::ResetOffsetBody).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct InvokeBrokerToResetOffset {
    /// The topic.
    pub topic: ByteString,
    /// The group.
    pub group: ByteString,
    /// The queue; absent or below 0: all of them.
    pub queue_id: Option<i32>,
    /// The offset; absent or below 0: by time.
    pub offset: Option<i64>,
    /// The time to go to, ms since 1970; -1: the end.
    pub timestamp: i64,
    /// Whether to go backwards too.
    #[header(default)]
    pub is_force: bool,
}

impl Request for InvokeBrokerToResetOffset {
    const CODE: RequestCode = RequestCode::INVOKE_BROKER_TO_RESET_OFFSET;
    type Reply = NoFields;
}
