//! 36: another attempt for a message.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 36: another attempt for a message, or its end (`ConsumerSendMsgBackRequestHeader`).
///
/// C++ clients send only the first three fields: attempts allowed are then the group's, and what
/// the message was is read from the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct ConsumerSendMsgBack {
    /// Where the message lies in the commit log.
    pub offset: i64,
    /// The group.
    pub group: ByteString,
    /// Below 0: dead letter; 0: the broker decides how long to wait; above: that delay level.
    pub delay_level: i32,
    /// The message's unique id.
    pub origin_msg_id: Option<ByteString>,
    /// The topic it was first sent to.
    pub origin_topic: Option<ByteString>,
    /// Unit mode.
    pub unit_mode: Option<bool>,
    /// Attempts allowed.
    pub max_reconsume_times: Option<i32>,
    /// Why it is a dead letter; only our brokers keep it.
    pub reason: Option<ByteString>,
}

impl Request for ConsumerSendMsgBack {
    const CODE: RequestCode = RequestCode::CONSUMER_SEND_MSG_BACK;
    type Reply = NoFields;
}
