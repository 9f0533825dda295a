//! 220 and 222: go to another offset.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::{NoFields, Request, RequestCode};

/// Resets a group (`ResetOffsetRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct ResetOffset {
    /// The topic.
    pub topic: ByteString,
    /// The group.
    pub group: ByteString,
    /// To the messages of this time, ms since 1970; -1: to the end.
    pub timestamp: i64,
    /// Also forward.
    #[header(default)]
    pub is_force: bool,
    /// Only this queue; -1: all.
    pub queue_id: Option<i32>,
    /// To this offset; -1: by time.
    pub offset: Option<i64>,
}

impl Request for ResetOffset {
    const CODE: RequestCode = RequestCode::INVOKE_BROKER_TO_RESET_OFFSET;
    type Reply = NoFields;
}

/// Tells a member; the body is `ResetOffsetBody`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct NotifyResetOffset {
    /// The topic.
    pub topic: ByteString,
    /// The group.
    pub group: ByteString,
    /// The time, ms since 1970.
    #[header(default)]
    pub timestamp: i64,
    /// Also forward.
    #[header(default)]
    pub is_force: bool,
}

impl Request for NotifyResetOffset {
    const CODE: RequestCode = RequestCode::RESET_CONSUMER_CLIENT_OFFSET;
    type Reply = NoFields;
}
