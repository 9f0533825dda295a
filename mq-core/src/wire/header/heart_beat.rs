//! 34, 35, 46: who is there and what they want.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::{NoFields, Request, RequestCode};

/// A client is alive; the body is `HeartbeatData`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct HeartBeat {}

impl Request for HeartBeat {
    const CODE: RequestCode = RequestCode::HEART_BEAT;
    type Reply = HeartBeatReply;
}

/// What the broker makes of heartbeats.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct HeartBeatReply {
    /// `true`: later heartbeats may be short.
    #[header(name = "IS_SUPPORT_HEART_BEAT_V2")]
    pub supports_fingerprint: Option<ByteString>,
    /// `true`: the next heartbeat must be whole.
    #[header(name = "IS_SUB_CHANGE")]
    pub subscription_changed: Option<ByteString>,
}

/// A client leaves (`UnregisterClientRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct UnregisterClient {
    /// The client.
    #[header(name = "clientID")]
    pub client_id: ByteString,
    /// The group of producers it leaves.
    pub producer_group: Option<ByteString>,
    /// The group of consumers it leaves.
    pub consumer_group: Option<ByteString>,
}

impl Request for UnregisterClient {
    const CODE: RequestCode = RequestCode::UNREGISTER_CLIENT;
    type Reply = NoFields;
}

/// Checks a filter expression; the body is `CheckClientRequestBody`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct CheckClientConfig {}

impl Request for CheckClientConfig {
    const CODE: RequestCode = RequestCode::CHECK_CLIENT_CONFIG;
    type Reply = NoFields;
}
