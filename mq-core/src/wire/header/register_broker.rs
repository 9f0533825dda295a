//! 103, 104, 322: brokers come and go.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::{NoFields, Request, RequestCode};

/// A broker is there (`RegisterBrokerRequestHeader`); the body holds its topics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct RegisterBroker {
    /// Its name.
    pub broker_name: ByteString,
    /// Where clients reach it, `HOST:PORT`.
    pub broker_addr: ByteString,
    /// Its cluster.
    pub cluster_name: ByteString,
    /// Where its replicas reach it.
    pub ha_server_addr: ByteString,
    /// 0 is the master.
    pub broker_id: i64,
    /// Forgotten after so long without a word.
    pub heartbeat_timeout_millis: Option<i64>,
    /// Whether a replica may act as master.
    pub enable_acting_master: Option<bool>,
    /// Whether the body is packed.
    #[header(default)]
    pub compressed: bool,
    /// Checksum of the body; 0: none.
    #[header(default)]
    pub body_crc32: i32,
    /// Its zone.
    #[header(name = "__ZONE_NAME")]
    pub zone_name: Option<ByteString>,
}

impl Request for RegisterBroker {
    const CODE: RequestCode = RequestCode::REGISTER_BROKER;
    type Reply = RegisterBrokerReply;
}

/// What a replica must know (`RegisterBrokerResponseHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct RegisterBrokerReply {
    /// Where the master's replicas reach it.
    pub ha_server_addr: Option<ByteString>,
    /// The master.
    pub master_addr: Option<ByteString>,
}

/// A broker leaves (`UnRegisterBrokerRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct UnregisterBroker {
    /// Its name.
    pub broker_name: ByteString,
    /// Its address.
    pub broker_addr: ByteString,
    /// Its cluster.
    pub cluster_name: ByteString,
    /// 0 is the master.
    pub broker_id: i64,
}

impl Request for UnregisterBroker {
    const CODE: RequestCode = RequestCode::UNREGISTER_BROKER;
    type Reply = NoFields;
}

/// Are the topics known in this version (`QueryDataVersionRequestHeader`); the body is `DataVersion`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct QueryDataVersion {
    /// Its name.
    pub broker_name: ByteString,
    /// Its address.
    pub broker_addr: ByteString,
    /// Its cluster.
    pub cluster_name: ByteString,
    /// 0 is the master.
    pub broker_id: i64,
}

impl Request for QueryDataVersion {
    const CODE: RequestCode = RequestCode::QUERY_DATA_VERSION;
    type Reply = QueryDataVersionReply;
}

/// Whether they are not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct QueryDataVersionReply {
    /// `true`: register again.
    pub changed: Option<bool>,
}
