//! 11 and 361: pull messages of a queue from an offset on.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::{RequestCode, ResponseCode};
use crate::wire::error::FieldError;
use crate::wire::field_writer::FieldWriter;
use crate::wire::fields::{Fields, Header};
use crate::wire::request::Request;

const ANSWERED: &[ResponseCode] = &[
    ResponseCode::SUCCESS,
    ResponseCode::PULL_NOT_FOUND,
    ResponseCode::PULL_RETRY_IMMEDIATELY,
    ResponseCode::PULL_OFFSET_MOVED,
];

/// 11: pull messages of a queue (`PullMessageRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct PullMessage {
    /// The group.
    pub consumer_group: ByteString,
    /// The topic.
    pub topic: ByteString,
    /// The queue.
    pub queue_id: i32,
    /// The queue offset of the first message wanted.
    pub queue_offset: i64,
    /// At most so many messages.
    pub max_msg_nums: i32,
    /// See the constants of [`PullMessage`].
    pub sys_flag: i32,
    /// The offset to commit, when the flag says so.
    #[header(default)]
    pub commit_offset: i64,
    /// How long to wait for a message, in ms.
    #[header(default)]
    pub suspend_timeout_millis: i64,
    /// The filter expression, when the flag says so.
    pub subscription: Option<ByteString>,
    /// Version of the subscription.
    #[header(default)]
    pub sub_version: i64,
    /// Language of the expression.
    pub expression_type: Option<ByteString>,
    /// At most so many bytes.
    pub max_msg_bytes: Option<i32>,
    /// The broker's name.
    #[header(name = "bname")]
    pub broker_name: Option<ByteString>,
}

impl PullMessage {
    /// `commit_offset` is to be committed.
    pub const COMMIT: i32 = 1;
    /// The answer may wait for a message.
    pub const SUSPEND: i32 = 2;
    /// `subscription` is the expression to filter by.
    pub const SUBSCRIPTION: i32 = 4;
    /// A lite pull consumer asks.
    pub const LITE: i32 = 16;

    /// Whether `bit` is set.
    pub fn has(&self, bit: i32) -> bool {
        self.sys_flag & bit != 0
    }
}

impl Request for PullMessage {
    const CODE: RequestCode = RequestCode::PULL_MESSAGE;
    const ACCEPTS: &'static [ResponseCode] = ANSWERED;
    type Reply = PullMessageReply;
}

/// 361: a [`PullMessage`] from a lite pull consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LitePullMessage(pub PullMessage);

impl Header for LitePullMessage {
    fn write(&self, out: &mut FieldWriter<'_>) {
        self.0.write(out);
    }

    fn read(fields: &Fields) -> Result<Self, FieldError> {
        PullMessage::read(fields).map(Self)
    }
}

impl Request for LitePullMessage {
    const CODE: RequestCode = RequestCode::LITE_PULL_MESSAGE;
    const ACCEPTS: &'static [ResponseCode] = ANSWERED;
    type Reply = PullMessageReply;
}

/// The answer to 11 and 361: where to pull next (`PullMessageResponseHeader`); the body holds the records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct PullMessageReply {
    /// Which broker of the name to ask next: 0 is the master.
    pub suggest_which_broker_id: i64,
    /// The queue offset to pull from next: that of the first message that was not examined.
    pub next_begin_offset: i64,
    /// The queue offset of the first message in the queue.
    pub min_offset: i64,
    /// The offset behind the last message of the queue.
    pub max_offset: i64,
    /// Distance to the offset of a moved queue.
    pub offset_delta: Option<i64>,
    /// The topic's flag.
    pub topic_sys_flag: Option<i32>,
    /// The group's flag.
    pub group_sys_flag: Option<i32>,
    /// Why the pull was refused with `NO_PERMISSION`.
    pub forbidden_type: Option<i32>,
}
