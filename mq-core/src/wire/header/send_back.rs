//! 36: a consumer sends a message back for another attempt.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 36: deliver a message again later, or make it a dead letter (`ConsumerSendMsgBackRequestHeader`).
///
/// C++ clients send only the first three fields. The broker then takes the attempts allowed from the
/// group's configuration, and everything else from the message in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct ConsumerSendMsgBack {
    /// The physical offset of the message.
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
