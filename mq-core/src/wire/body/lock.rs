//! The bodies of 41 and 42 (`LockBatchRequestBody`, `UnlockBatchRequestBody`,
//! `LockBatchResponseBody`).

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

use crate::message::MessageQueue;

/// Which queues a member of a group wants to lock or unlock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LockBatchRequestBody {
    /// The group.
    pub consumer_group: ByteString,
    /// The member.
    pub client_id: ByteString,
    /// The queues.
    pub mq_set: Vec<MessageQueue>,
    /// Whether replicas are left out; 5.x only.
    pub only_this_broker: bool,
}

/// The queues that are locked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LockBatchResponseBody {
    /// Those of the request that the asker now holds.
    #[serde(rename = "lockOKMQSet")]
    pub lock_ok_mq_set: Vec<MessageQueue>,
}
