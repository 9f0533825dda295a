//! The answer to 321 (`QueryConsumeQueueResponseBody`).

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

use super::heartbeat::SubscriptionData;

/// Entries of a consume queue, and how a group filters them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConsumeQueueEntries {
    /// The group's filter, for people.
    pub filter_data: Option<ByteString>,
    /// The offset behind the last entry.
    pub max_queue_index: i64,
    /// The offset of the first entry.
    pub min_queue_index: i64,
    /// The entries; absent when there is none from the wanted offset on.
    pub queue_data: Option<Vec<ConsumeQueueEntry>>,
    /// The group's subscription, while a member is connected.
    pub subscription_data: Option<SubscriptionData>,
}

/// An entry of a consume queue (`ConsumeQueueData`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConsumeQueueEntry {
    /// Whether the filter lets the message through; known only where entries have an extension.
    pub eval: bool,
    /// Where the record begins.
    pub physic_offset: i64,
    /// The bytes of the record.
    pub physic_size: i32,
    /// The hash of the tag.
    pub tags_code: i64,
}
