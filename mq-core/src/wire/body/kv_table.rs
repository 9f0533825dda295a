//! Texts by name: the answers to 28 and 219 (`KVTable`).

use std::collections::BTreeMap;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

/// Texts by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KvTable {
    /// The table.
    pub table: BTreeMap<ByteString, ByteString>,
}

impl KvTable {
    /// In the answer to 28: the broker stores the reason that a consumer gives with a dead letter. Only
    /// our brokers say so.
    pub const KEEPS_REASONS: &str = "keepsDeadLetterReasons";
}
