//! The answers to 206, 224 and 304 (`TopicList`).

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

/// Names of topics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TopicList {
    /// The names.
    pub topic_list: Vec<ByteString>,
    /// The address of a broker that has them.
    pub broker_addr: Option<ByteString>,
}
