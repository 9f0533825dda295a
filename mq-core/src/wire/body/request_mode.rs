//! The body of 401 and the answer to 402 (`SetMessageRequestModeRequestBody`,
//! `MessageRequestModeManager`).

use std::collections::BTreeMap;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

/// How a group gets the messages of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RequestMode {
    /// The group.
    pub consumer_group: ByteString,
    /// `PULL` or `POP`.
    pub mode: ByteString,
    /// Among how many members a queue is shared when they pop.
    pub pop_share_queue_num: i32,
    /// The topic.
    pub topic: ByteString,
}

impl Default for RequestMode {
    fn default() -> Self {
        Self {
            consumer_group: ByteString::new(),
            mode: ByteString::from_static("PULL"),
            pop_share_queue_num: 0,
            topic: ByteString::new(),
        }
    }
}

/// How groups get the messages of topics, where an administrator said so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RequestModes {
    /// Modes by topic, by group.
    pub message_request_mode_map: BTreeMap<ByteString, BTreeMap<ByteString, RequestMode>>,
}
