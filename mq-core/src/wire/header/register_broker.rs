//! 103, 104 and 322: a broker registers, unregisters, and asks whether its topics are up to date.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 103: register a broker (`RegisterBrokerRequestHeader`); the body is a
/// [`RegisterBrokerBody`](crate::wire::body::RegisterBrokerBody).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct RegisterBroker {
    /// The broker's name, which master and slaves share.
    pub broker_name: ByteString,
    /// Where clients reach it, `ip:port`.
    pub broker_addr: ByteString,
    /// The cluster.
    pub cluster_name: ByteString,
    /// Where slaves reach it, `ip:port`.
    #[header(default)]
    pub ha_server_addr: ByteString,
    /// 0 is the master.
    pub broker_id: i64,
    /// How long after its last heartbeat the name server removes the broker.
    pub heartbeat_timeout_millis: Option<i64>,
    /// Whether a slave may act as master.
    pub enable_acting_master: Option<bool>,
    /// Whether the body is in the compressed form.
    #[header(default)]
    pub compressed: bool,
    /// The body's checksum, without its highest bit; 0 means that there is none.
    #[header(default)]
    pub body_crc32: i32,
    /// The zone.
    #[header(name = "__ZONE_NAME")]
    pub zone_name: Option<ByteString>,
}

impl Request for RegisterBroker {
    const CODE: RequestCode = RequestCode::REGISTER_BROKER;
    type Reply = RegisterBrokerReply;
}

/// The answer to 103, for slaves (`RegisterBrokerResponseHeader`); the body is a
/// [`KvTable`](crate::wire::body::KvTable) of ordered topics, when there are any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct RegisterBrokerReply {
    /// Where slaves reach the master.
    pub ha_server_addr: Option<ByteString>,
    /// Where clients reach the master.
    pub master_addr: Option<ByteString>,
}

/// 104: unregister a broker (`UnRegisterBrokerRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct UnregisterBroker {
    /// The broker's name.
    pub broker_name: ByteString,
    /// Where clients reached it.
    pub broker_addr: ByteString,
    /// The cluster.
    pub cluster_name: ByteString,
    /// 0 is the master.
    pub broker_id: i64,
}

impl Request for UnregisterBroker {
    const CODE: RequestCode = RequestCode::UNREGISTER_BROKER;
    type Reply = NoFields;
}

/// 322: are a broker's topics known in this version (`QueryDataVersionRequestHeader`); the body is
/// a [`DataVersion`](crate::wire::body::DataVersion), that of the answer the one that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct QueryDataVersion {
    /// The broker's name.
    pub broker_name: ByteString,
    /// Where clients reach it.
    pub broker_addr: ByteString,
    /// The cluster.
    pub cluster_name: ByteString,
    /// 0 is the master.
    pub broker_id: i64,
}

impl Request for QueryDataVersion {
    const CODE: RequestCode = RequestCode::QUERY_DATA_VERSION;
    type Reply = QueryDataVersionReply;
}

/// The answer to 322 (`QueryDataVersionResponseHeader`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct QueryDataVersionReply {
    /// Whether the broker should register again.
    pub changed: bool,
}
