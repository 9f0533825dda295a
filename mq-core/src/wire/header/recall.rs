//! 370: call back a message that waits for its time.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::Request;

/// 370: the message of a recall handle is not to be delivered (`RecallMessageRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct RecallMessage {
    /// The sender's group.
    pub producer_group: Option<ByteString>,
    /// The topic to which the message was sent.
    pub topic: ByteString,
    /// The [`RecallHandle`](crate::message::RecallHandle) that the broker answered to the send.
    pub recall_handle: ByteString,
    /// The broker's name.
    #[header(name = "bname")]
    pub broker_name: Option<ByteString>,
}

impl Request for RecallMessage {
    const CODE: RequestCode = RequestCode::RECALL_MESSAGE;
    type Reply = RecallMessageReply;
}

/// The message that was called back (`RecallMessageResponseHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct RecallMessageReply {
    /// Its unique id.
    pub msg_id: ByteString,
}
