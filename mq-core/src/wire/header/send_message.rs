//! 310, 320 and 10: store the message in the body.
//!
//! Java and Go send 310 and 320 with one-letter names, C++ and Go 10 with long ones; the broker
//! works with [`SendMessage`] whichever came.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::{RequestCode, ResponseCode};
use crate::wire::error::FieldError;
use crate::wire::field_writer::FieldWriter;
use crate::wire::fields::{Fields, Header};
use crate::wire::request::Request;

pub(super) const STORED: &[ResponseCode] = &[
    ResponseCode::SUCCESS,
    ResponseCode::FLUSH_DISK_TIMEOUT,
    ResponseCode::SLAVE_NOT_AVAILABLE,
    ResponseCode::FLUSH_SLAVE_TIMEOUT,
];

/// What a producer says about the message in the body (`SendMessageRequestHeaderV2`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct SendMessage {
    /// The sender's group.
    #[header(name = "a")]
    pub producer_group: ByteString,
    /// The topic.
    #[header(name = "b")]
    pub topic: ByteString,
    /// The template for a topic that does not exist yet.
    #[header(name = "c")]
    pub default_topic: ByteString,
    /// How many queues such a topic should get.
    #[header(name = "d")]
    pub default_topic_queue_nums: i32,
    /// The queue; negative: any.
    #[header(name = "e")]
    pub queue_id: i32,
    /// How the body is to be read.
    #[header(name = "f")]
    pub sys_flag: i32,
    /// When it was sent, ms since 1970.
    #[header(name = "g")]
    pub born_timestamp: i64,
    /// The application's flag; the broker only stores it.
    #[header(name = "h")]
    pub flag: i32,
    /// Properties as text.
    #[header(name = "i")]
    pub properties: Option<ByteString>,
    /// Attempts so far, for a retry topic.
    #[header(name = "j")]
    pub reconsume_times: Option<i32>,
    /// Unit mode.
    #[header(name = "k")]
    pub unit_mode: Option<bool>,
    /// Attempts allowed, for a retry topic.
    #[header(name = "l")]
    pub max_reconsume_times: Option<i32>,
    /// Whether the body is a batch.
    #[header(name = "m")]
    pub batch: Option<bool>,
    /// The broker's name.
    #[header(name = "n")]
    pub broker_name: Option<ByteString>,
}

impl Request for SendMessage {
    const CODE: RequestCode = RequestCode::SEND_MESSAGE_V2;
    const ACCEPTS: &'static [ResponseCode] = STORED;
    type Reply = SendMessageReply;
}

/// A request with the fields of `$header` and the answer of a send, under a code of its own.
macro_rules! sent_as {
    ($(#[$doc:meta])* $name:ident($header:ident), $code:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(pub $header);

        impl Header for $name {
            fn write(&self, out: &mut FieldWriter<'_>) {
                self.0.write(out);
            }

            fn read(fields: &Fields) -> Result<Self, FieldError> {
                $header::read(fields).map(Self)
            }
        }

        impl Request for $name {
            const CODE: RequestCode = RequestCode::$code;
            const ACCEPTS: &'static [ResponseCode] = STORED;
            type Reply = SendMessageReply;
        }
    };
}
pub(super) use sent_as;

sent_as! {
    /// 320: the body holds several messages.
    SendBatchMessage(SendMessage), SEND_BATCH_MESSAGE
}

/// 10: the same with long names (`SendMessageRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct SendMessageV1 {
    /// The sender's group.
    pub producer_group: ByteString,
    /// The topic.
    pub topic: ByteString,
    /// The template for a topic that does not exist yet.
    pub default_topic: ByteString,
    /// How many queues such a topic should get.
    pub default_topic_queue_nums: i32,
    /// The queue; negative: any.
    pub queue_id: i32,
    /// How the body is to be read.
    pub sys_flag: i32,
    /// When it was sent, ms since 1970.
    pub born_timestamp: i64,
    /// The application's flag; the broker only stores it.
    pub flag: i32,
    /// Properties as text.
    pub properties: Option<ByteString>,
    /// Attempts so far, for a retry topic.
    pub reconsume_times: Option<i32>,
    /// Unit mode.
    pub unit_mode: Option<bool>,
    /// Attempts allowed, for a retry topic.
    pub max_reconsume_times: Option<i32>,
    /// Whether the body is a batch.
    pub batch: Option<bool>,
    /// The broker's name.
    #[header(name = "bname")]
    pub broker_name: Option<ByteString>,
}

impl Request for SendMessageV1 {
    const CODE: RequestCode = RequestCode::SEND_MESSAGE;
    const ACCEPTS: &'static [ResponseCode] = STORED;
    type Reply = SendMessageReply;
}

impl From<SendMessageV1> for SendMessage {
    fn from(long: SendMessageV1) -> Self {
        Self {
            producer_group: long.producer_group,
            topic: long.topic,
            default_topic: long.default_topic,
            default_topic_queue_nums: long.default_topic_queue_nums,
            queue_id: long.queue_id,
            sys_flag: long.sys_flag,
            born_timestamp: long.born_timestamp,
            flag: long.flag,
            properties: long.properties,
            reconsume_times: long.reconsume_times,
            unit_mode: long.unit_mode,
            max_reconsume_times: long.max_reconsume_times,
            batch: long.batch,
            broker_name: long.broker_name,
        }
    }
}

/// Where the message was stored (`SendMessageResponseHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct SendMessageReply {
    /// Its offset id; those of a batch are joined by `,`.
    pub msg_id: ByteString,
    /// The queue.
    pub queue_id: i32,
    /// Its queue offset; of a batch, that of the first message.
    pub queue_offset: i64,
    /// The sender's unique id.
    pub transaction_id: Option<ByteString>,
    /// The unique id of an inner batch.
    pub batch_uniq_id: Option<ByteString>,
    /// The handle with which a timer message can be recalled.
    pub recall_handle: Option<ByteString>,
    /// The broker's region.
    #[header(name = "MSG_REGION")]
    pub region: Option<ByteString>,
    /// Whether the broker wants traces.
    #[header(name = "TRACE_ON")]
    pub trace_on: Option<ByteString>,
}
