//! 34, 35 and 46: a client's heartbeat, its unregistration, and the check of a filter expression.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 34: a client's heartbeat; the body is a [`HeartbeatData`](crate::wire::body::HeartbeatData).
///
/// Java clients take the version in the answer's header for the broker's version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct HeartBeat;

impl Request for HeartBeat {
    const CODE: RequestCode = RequestCode::HEART_BEAT;
    type Reply = HeartBeatReply;
}

/// The answer to 34. 4.x brokers send neither field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct HeartBeatReply {
    /// Whether heartbeats may leave out subscriptions that have not changed.
    #[header(name = "IS_SUPPORT_HEART_BEAT_V2")]
    pub supports_v2: Option<bool>,
    /// Whether the subscriptions of the group have changed.
    #[header(name = "IS_SUB_CHANGE")]
    pub subscription_changed: Option<bool>,
}

/// 35: a client leaves its groups (`UnregisterClientRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct UnregisterClient {
    /// The client.
    #[header(name = "clientID", default)]
    pub client_id: ByteString,
    /// The group it sent in.
    pub producer_group: Option<ByteString>,
    /// The group it consumed in.
    pub consumer_group: Option<ByteString>,
}

impl Request for UnregisterClient {
    const CODE: RequestCode = RequestCode::UNREGISTER_CLIENT;
    type Reply = NoFields;
}

/// 46: check whether a filter expression compiles; the body is a
/// [`CheckClientRequestBody`](crate::wire::body::CheckClientRequestBody).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct CheckClientConfig;

impl Request for CheckClientConfig {
    const CODE: RequestCode = RequestCode::CHECK_CLIENT_CONFIG;
    type Reply = NoFields;
}
