//! The body of 46 (`CheckClientRequestBody`).

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

use super::heartbeat::SubscriptionData;

/// A filter that a client is going to subscribe with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CheckClientRequestBody {
    /// The client.
    pub client_id: ByteString,
    /// Its group.
    pub group: ByteString,
    /// The filter.
    pub subscription_data: Option<SubscriptionData>,
    /// The namespace, when there is one.
    pub namespace: Option<ByteString>,
}
