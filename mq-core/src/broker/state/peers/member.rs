//! A connection that is a member of a group.

use std::fmt;
use std::net::SocketAddr;

use bytestring::ByteString;

use crate::clock::Moment;
use crate::excerpt::excerpt;
use crate::remoting::Peer;
use crate::wire::Language;
use crate::wire::body::Connection;

/// A client that sent a heartbeat, and its connection.
#[derive(Clone, Debug)]
pub(in crate::broker) struct ClientInfo {
    pub(in crate::broker) client_id: ByteString,
    pub(in crate::broker) peer: Peer,
    pub(in crate::broker) language: Language,
    pub(in crate::broker) version: i32,
}

#[derive(Debug)]
pub(super) struct GroupMember {
    pub(super) caller: ClientInfo,
    pub(super) seen: Moment,
}

impl GroupMember {
    pub(super) fn connection(&self) -> Connection {
        Connection {
            client_addr: self.address().to_string().into(),
            client_id: self.caller.client_id.clone(),
            language: self.caller.language,
            version: self.caller.version,
        }
    }

    /// The address; one that is an IPv4 address mapped to IPv6 is shown as IPv4.
    pub(super) fn address(&self) -> SocketAddr {
        let address = self.caller.peer.address();
        SocketAddr::new(address.ip().to_canonical(), address.port())
    }
}

impl fmt::Display for GroupMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let client_id = excerpt(&self.caller.client_id);
        write!(f, "{client_id} at {}", self.address())
    }
}

/// A group that must rebalance, and its members to notify.
#[derive(Debug)]
pub(in crate::broker) struct MembershipChange {
    pub(in crate::broker) group: ByteString,
    pub(in crate::broker) members: Vec<Peer>,
}

/// Two members of a group with different subscriptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::broker) struct SubscriptionConflict {
    /// Client id and address of the member that sent the heartbeat.
    pub(in crate::broker) member: String,
    /// The same of a member with other subscriptions.
    pub(in crate::broker) other: String,
    /// The differences between the two.
    pub(in crate::broker) differences: String,
}
