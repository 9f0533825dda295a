//! A connection that is a member of a group.

use std::fmt;
use std::net::SocketAddr;

use bytestring::ByteString;

use crate::clock::Moment;
use crate::excerpt::excerpt;
use crate::remoting::Peer;
use crate::wire::Language;
use crate::wire::body::Connection;

/// A client that says it is there.
#[derive(Clone, Debug)]
pub(in crate::broker) struct Caller {
    pub(in crate::broker) client_id: ByteString,
    pub(in crate::broker) peer: Peer,
    pub(in crate::broker) language: Language,
    pub(in crate::broker) version: i32,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) caller: Caller,
    pub(super) seen: Moment,
}

impl Member {
    pub(super) fn connection(&self) -> Connection {
        Connection {
            client_addr: self.address().to_string().into(),
            client_id: self.caller.client_id.clone(),
            language: self.caller.language,
            version: self.caller.version,
        }
    }

    /// A client that came over IPv4 to a socket for both families is shown as IPv4.
    pub(super) fn address(&self) -> SocketAddr {
        let address = self.caller.peer.address();
        SocketAddr::new(address.ip().to_canonical(), address.port())
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let client_id = excerpt(&self.caller.client_id);
        write!(f, "{client_id} at {}", self.address())
    }
}

/// A group whose queues must be shared anew, and who must be told.
#[derive(Debug)]
pub(in crate::broker) struct Change {
    pub(in crate::broker) group: ByteString,
    pub(in crate::broker) members: Vec<Peer>,
}

/// Two members of a group that want different things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::broker) struct Mixed {
    /// Client id and address of the member that has just said so.
    pub(in crate::broker) member: String,
    /// The same of a member that wants something else.
    pub(in crate::broker) other: String,
    /// What the first wants against what the second wants.
    pub(in crate::broker) differences: String,
}
