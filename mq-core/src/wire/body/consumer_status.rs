//! The answers to 221 and 223 (`GetConsumerStatusBody`).

use std::collections::BTreeMap;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

use crate::message::MessageQueue;

/// The offsets that members of a group have consumed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConsumerStatus {
    /// Offsets of each member, by client id; what a broker answers.
    pub consumer_table: BTreeMap<ByteString, BTreeMap<MessageQueue, i64>>,
    /// Offsets of one member; what a client answers.
    pub message_queue_table: BTreeMap<MessageQueue, i64>,
}
