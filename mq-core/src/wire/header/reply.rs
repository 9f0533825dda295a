//! 324, 325 and 326: the reply to a request message, from whoever handled the request through the broker
//! to the client that sent it.

use bytestring::ByteString;
use mq_macros::Header;

use super::send_message::{STORED, SendMessage, SendMessageReply, SendMessageV1, sent_as};
use crate::wire::code::{RequestCode, ResponseCode};
use crate::wire::error::FieldError;
use crate::wire::field_writer::FieldWriter;
use crate::wire::fields::{Fields, Header};
use crate::wire::request::{NoFields, Request};

sent_as! {
    /// 325: the reply in the body goes to the client that its property `REPLY_TO_CLIENT` names.
    SendReplyMessage(SendMessage), SEND_REPLY_MESSAGE_V2
}

sent_as! {
    /// 324: the same with long names.
    SendReplyMessageV1(SendMessageV1), SEND_REPLY_MESSAGE
}

/// 326: the reply in the body is for a request of this client (`ReplyMessageRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct PushReplyMessage {
    /// The group in which the reply was sent.
    pub producer_group: ByteString,
    /// The reply topic of the cluster.
    pub topic: ByteString,
    /// The template for a topic that does not exist yet.
    pub default_topic: ByteString,
    /// How many queues such a topic should get.
    pub default_topic_queue_nums: i32,
    /// The queue that the sender of the reply chose.
    pub queue_id: i32,
    /// How the body is to be read.
    pub sys_flag: i32,
    /// When the reply was sent, ms since 1970.
    pub born_timestamp: i64,
    /// The application's flag.
    pub flag: i32,
    /// The properties of the reply as text, with the time at which the broker pushed it.
    pub properties: Option<ByteString>,
    /// Attempts so far; replies have none.
    pub reconsume_times: Option<i32>,
    /// Unit mode.
    pub unit_mode: Option<bool>,
    /// Who sent the reply, `ip:port`; Java writes a `/` before it.
    pub born_host: ByteString,
    /// The broker, in the same form.
    pub store_host: ByteString,
    /// When the broker pushed the reply, ms since 1970.
    pub store_timestamp: i64,
}

impl Request for PushReplyMessage {
    const CODE: RequestCode = RequestCode::PUSH_REPLY_MESSAGE_TO_CLIENT;
    type Reply = NoFields;
}
