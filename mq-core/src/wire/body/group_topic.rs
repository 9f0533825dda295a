//! The answers to 308, 345 and 353 (`QueryCorrectionOffsetBody`, `QuerySubscriptionResponseBody`,
//! `GroupForbidden`).

use std::collections::BTreeMap;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

use super::heartbeat::SubscriptionData;

/// The smallest committed offset of each queue of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CorrectionOffsets {
    /// Offsets by queue.
    pub correction_offsets: BTreeMap<i32, i64>,
}

/// The subscription of a group to a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GroupSubscription {
    /// The group.
    pub group: ByteString,
    /// The subscription; absent when no member has one.
    pub subscription_data: Option<SubscriptionData>,
    /// The topic.
    pub topic: Option<ByteString>,
}

/// Whether a group may read a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GroupForbidden {
    /// The group.
    pub group: ByteString,
    /// Whether it may.
    pub readable: bool,
    /// The topic.
    pub topic: ByteString,
}
