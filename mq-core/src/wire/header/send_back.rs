//! 36: another attempt for a message.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::{NoFields, Request, RequestCode};

/// Sends a message back (`ConsumerSendMsgBackRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct ConsumerSendBack {
    /// Its physical offset.
    pub offset: i64,
    /// The group.
    pub group: ByteString,
    /// When: 0 as the broker likes, negative: never, to the dead letters.
    pub delay_level: i32,
    /// Its id.
    pub origin_msg_id: Option<ByteString>,
    /// Its topic.
    pub origin_topic: Option<ByteString>,
    /// Unit mode.
    pub unit_mode: Option<bool>,
    /// Attempts allowed.
    pub max_reconsume_times: Option<i32>,
    /// The broker's name.
    #[header(name = "bname")]
    pub broker_name: Option<ByteString>,
    /// Why it goes to the dead letters; kept as a property.
    pub reason: Option<ByteString>,
}

impl Request for ConsumerSendBack {
    const CODE: RequestCode = RequestCode::CONSUMER_SEND_MSG_BACK;
    type Reply = NoFields;
}
