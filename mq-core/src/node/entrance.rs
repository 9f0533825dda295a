//! How a server is reached: its socket when it has one, and the addresses that lead to it.
//!
//! Invariant: without a socket a server has a name that no resolver knows, so that a client that was
//! not shown the way in this process gets an error, and never somebody else's server.

use std::net::{Ipv4Addr, SocketAddr};

use crate::broker::Advertised;
use crate::broker::config::Network;
use crate::clock::Clock;
use crate::namesrv::NamesrvConfig;
use crate::remoting::{BindError, Listening, RemotingServer, RemotingServerConfig};

use super::error::NodeError;

/// Names that resolve nowhere (RFC 6761).
const LOCAL_NAME_SERVER_ADDRESS: &str = "name-server.invalid:9876";
const LOCAL_BROKER_ADDRESS: &str = "broker.invalid:10911";

/// Who reaches a node's servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Whoever reaches their sockets, and this process.
    Network,
    /// This process alone.
    Process,
}

/// The way to a name server.
pub(super) struct NameServerEntrance {
    pub(super) server: Option<RemotingServer>,
    /// Where others reach it.
    pub(super) listening: Option<Listening>,
    /// What clients of this process call it.
    pub(super) name: String,
    /// Where clients of this process seem to come from.
    pub(super) seen_from: SocketAddr,
}

/// The way to a broker.
pub(super) struct BrokerEntrance {
    pub(super) server: Option<RemotingServer>,
    pub(super) advertised: Advertised,
}

impl NameServerEntrance {
    pub(super) async fn open(
        config: &NamesrvConfig,
        reach: Reach,
        clock: &Clock,
    ) -> Result<Self, NodeError> {
        if reach == Reach::Process {
            return Ok(Self {
                server: None,
                listening: None,
                name: LOCAL_NAME_SERVER_ADDRESS.to_owned(),
                seen_from: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            });
        }
        let address = SocketAddr::new(config.bind, config.port);
        let server = listen(address, clock).await;
        let server = server.map_err(NodeError::NameServerAddress)?;
        let listening = server.listening();
        Ok(Self {
            server: Some(server),
            listening: Some(listening),
            name: listening.from_here().to_string(),
            seen_from: listening.from_here(),
        })
    }
}

impl BrokerEntrance {
    pub(super) async fn open(
        config: &Network,
        reach: Reach,
        clock: &Clock,
    ) -> Result<Self, NodeError> {
        if reach == Reach::Process {
            // Message ids have an address in them, whether anybody listens there or not.
            let socket = SocketAddr::from((Ipv4Addr::LOCALHOST, config.port));
            let text = LOCAL_BROKER_ADDRESS.to_owned();
            return Ok(Self {
                server: None,
                advertised: Advertised { text, socket },
            });
        }
        let address = SocketAddr::new(config.bind, config.port);
        let server = listen(address, clock).await;
        let server = server.map_err(NodeError::BrokerAddress)?;
        let host = config.advertised.as_deref();
        let advertised = Advertised::of(host, &server.listening()).await;
        Ok(Self {
            advertised: advertised.map_err(NodeError::Advertise)?,
            server: Some(server),
        })
    }
}

/// What lies between the network and the servers of a node is put here.
async fn listen(address: SocketAddr, clock: &Clock) -> Result<RemotingServer, BindError> {
    let config = RemotingServerConfig::default();
    RemotingServer::bind(&address.to_string(), config, clock.clone()).await
}
