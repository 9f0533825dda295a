//! The outcome of a pull.

use crate::message::{MessageExt, QueueOffset};
use crate::wire::ResponseCode;

/// How a pull ended (`PullStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PullStatus {
    /// There are messages (`FOUND`).
    Found,
    /// The offset is that of the next message, which is not there yet (`NO_NEW_MSG`).
    NoNewMessage,
    /// There are messages, but the filter lets none of them through (`NO_MATCHED_MSG`).
    NoMatchedMessage,
    /// The offset is below the first message of the queue or beyond its end (`OFFSET_ILLEGAL`).
    OffsetIllegal,
}

/// The outcome of a pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullResult {
    /// How it ended.
    pub status: PullStatus,
    /// The messages, in the order of the queue; none unless the status is [`PullStatus::Found`].
    pub messages: Vec<MessageExt>,
    /// Where to pull next, whatever the status.
    pub next: QueueOffset,
    /// The offset of the first message of the queue.
    pub min: QueueOffset,
    /// The offset behind its last message.
    pub max: QueueOffset,
}

impl PullStatus {
    /// The status that a broker's answer has, after the filter has let through some messages or none.
    pub(super) fn of(code: ResponseCode, is_empty: bool) -> Self {
        match code {
            ResponseCode::SUCCESS if !is_empty => Self::Found,
            ResponseCode::SUCCESS | ResponseCode::PULL_RETRY_IMMEDIATELY => Self::NoMatchedMessage,
            ResponseCode::PULL_OFFSET_MOVED => Self::OffsetIllegal,
            _ => Self::NoNewMessage,
        }
    }
}
