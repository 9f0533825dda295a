//! 37 and 39: a transaction is ended by its producer, which the broker asks when that does not come.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 37: commit a half message or roll it back (`EndTransactionRequestHeader`). One-way from Java.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct EndTransaction {
    /// The topic of the message; not sent by 4.9.
    pub topic: Option<ByteString>,
    /// The group that sent the half message.
    pub producer_group: ByteString,
    /// The queue offset of the half message.
    pub tran_state_table_offset: i64,
    /// The physical offset of the half message.
    pub commit_log_offset: i64,
    /// [`COMMIT`](Self::COMMIT), [`ROLLBACK`](Self::ROLLBACK) or [`UNKNOWN`](Self::UNKNOWN).
    pub commit_or_rollback: i32,
    /// Whether this answers a check.
    pub from_transaction_check: Option<bool>,
    /// The message's unique id.
    pub msg_id: Option<ByteString>,
    /// The same, as the broker gave it back.
    pub transaction_id: Option<ByteString>,
}

impl EndTransaction {
    /// The producer does not know yet.
    pub const UNKNOWN: i32 = 0;
    /// The message is delivered.
    pub const COMMIT: i32 = 8;
    /// The message is dropped.
    pub const ROLLBACK: i32 = 12;
}

impl Request for EndTransaction {
    const CODE: RequestCode = RequestCode::END_TRANSACTION;
    type Reply = NoFields;
}

/// 39, one-way: how did the transaction of the half message in the body end
/// (`CheckTransactionStateRequestHeader`)? The body is its record, with the topic and queue that it is
/// for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct CheckTransactionState {
    /// The topic of half messages; not sent by 4.9.
    pub topic: Option<ByteString>,
    /// The queue offset that [`EndTransaction`] has to name.
    pub tran_state_table_offset: i64,
    /// The physical offset that [`EndTransaction`] has to name.
    pub commit_log_offset: i64,
    /// The message's unique id.
    pub msg_id: Option<ByteString>,
    /// The same.
    pub transaction_id: Option<ByteString>,
    /// The offset id of the half message.
    pub offset_msg_id: Option<ByteString>,
}

impl Request for CheckTransactionState {
    const CODE: RequestCode = RequestCode::CHECK_TRANSACTION_STATE;
    type Reply = NoFields;
}

/// 323: check a half message again that was set aside (`ResumeCheckHalfMessageRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct ResumeCheckHalfMessage {
    /// The topic.
    pub topic: Option<ByteString>,
    /// The offset id of the message.
    pub msg_id: Option<ByteString>,
}

impl Request for ResumeCheckHalfMessage {
    const CODE: RequestCode = RequestCode::RESUME_CHECK_HALF_MESSAGE;
    type Reply = NoFields;
}
