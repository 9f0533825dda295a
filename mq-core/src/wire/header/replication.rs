//! 901, 904, 907 and 908: brokers with the same name.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 901: the addresses of a broker and its slaves (`GetBrokerMemberGroupRequestHeader`). The body of the
/// answer is a [`BrokerMembers`](crate::wire::body::BrokerMembers).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetBrokerMemberGroup {
    /// The cluster.
    pub cluster_name: ByteString,
    /// The broker.
    pub broker_name: ByteString,
}

impl Request for GetBrokerMemberGroup {
    const CODE: RequestCode = RequestCode::GET_BROKER_MEMBER_GROUP;
    type Reply = NoFields;
}

/// 904: a registered broker is alive (`BrokerHeartbeatRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct BrokerHeartbeat {
    /// The cluster.
    pub cluster_name: ByteString,
    /// The address of the broker.
    pub broker_addr: ByteString,
    /// The broker.
    pub broker_name: ByteString,
}

impl Request for BrokerHeartbeat {
    const CODE: RequestCode = RequestCode::BROKER_HEARTBEAT;
    type Reply = NoFields;
}

/// 907: the state of replication. The body of the answer is a
/// [`HaRuntimeInfo`](crate::wire::body::HaRuntimeInfo).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct GetBrokerHaStatus;

impl Request for GetBrokerHaStatus {
    const CODE: RequestCode = RequestCode::GET_BROKER_HA_STATUS;
    type Reply = NoFields;
}

/// 908: tell a slave how far its master is on disk (`ResetMasterFlushOffsetHeader`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct ResetMasterFlushOffset {
    /// The physical offset.
    pub master_flush_offset: Option<i64>,
}

impl Request for ResetMasterFlushOffset {
    const CODE: RequestCode = RequestCode::RESET_MASTER_FLUSH_OFFSET;
    type Reply = NoFields;
}
