//! The answer to 38 (`GetConsumerListByGroupResponseBody`).

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

/// The members of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConsumerIds {
    /// Their client ids.
    pub consumer_id_list: Vec<ByteString>,
}
