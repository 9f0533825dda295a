//! The answer to 309 (`ConsumeMessageDirectlyResult`).

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

/// What a listener made of a message that it was given at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConsumeMessageDirectlyResult {
    /// Whether offsets are committed by themselves; nothing is committed for this message.
    pub auto_commit: bool,
    /// The outcome.
    pub consume_result: Option<DirectOutcome>,
    /// Whether the listener consumes in order.
    pub order: bool,
    /// Why the message was not consumed.
    pub remark: Option<ByteString>,
    /// How long the listener had the message, in ms.
    pub spent_time_mills: i64,
}

impl Default for ConsumeMessageDirectlyResult {
    fn default() -> Self {
        Self {
            auto_commit: true,
            consume_result: None,
            order: false,
            remark: None,
            spent_time_mills: 0,
        }
    }
}

/// The outcome (`CMResult`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DirectOutcome {
    /// It is consumed.
    #[serde(rename = "CR_SUCCESS")]
    Success,
    /// The listener wants it again later.
    #[serde(rename = "CR_LATER")]
    Later,
    /// The listener rolls back.
    #[serde(rename = "CR_ROLLBACK")]
    Rollback,
    /// The listener commits.
    #[serde(rename = "CR_COMMIT")]
    Commit,
    /// The listener failed.
    #[serde(rename = "CR_THROW_EXCEPTION")]
    ThrowException,
    /// The listener returned nothing.
    #[serde(rename = "CR_RETURN_NULL")]
    ReturnNull,
}
