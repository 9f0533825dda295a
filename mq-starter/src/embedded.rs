//! A broker and its name server inside this process.
//!
//! Clients of the process reach them without a socket; `rocketmq.embedded.listen` lets others in.
//! The store is locked: a second broker on the same directory is refused.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mq_core::broker::config::{BrokerConfig, FlushMode};
use mq_core::broker::{Advertised, Broker};
use mq_core::client::Client;
use mq_core::clock::Clock;
use mq_core::namesrv::{NameServer, NamesrvConfig};
use mq_core::reason::reason;
use mq_core::remoting::{
    BindError, ClientConfig, RemotingClient, RemotingServer, Router, ServerConfig,
};
use mq_core::store::MessageStore;
use mq_core::store::disk::RealDisk;
use mq_core::tasks::Tasks;

use crate::config::{EmbeddedFlush, EmbeddedSettings};
use crate::problem::ApplicationError;

const CLUSTER: &str = "DefaultCluster";
const NAME: &str = "mq";

/// A broker in this process. Clones are the same broker; whoever starts one stops it.
///
/// An application starts its own when its settings name no cluster. One that several applications
/// share is started here and given to each by
/// [`RocketMQApplication::broker`](crate::RocketMQApplication::broker).
#[derive(Clone, Debug)]
pub struct EmbeddedBroker(Arc<Running>);

#[derive(Debug)]
struct Running {
    name_server: NameServer,
    broker: Broker,
    /// The broker's way to the name server.
    outward: Tasks,
    stopped: AtomicBool,
    clock: Clock,
}

/// How others reach the broker: its socket when it has one, and what it says it is called.
struct Door {
    server: Option<RemotingServer>,
    advertised: Advertised,
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An address or a port that cannot be had, under the key that says it.
#[derive(Debug, thiserror::Error)]
#[error("`rocketmq.embedded.{key}` cannot be used: {}", reason(&**source))]
struct Unusable {
    key: &'static str,
    source: Cause,
}

impl Unusable {
    fn new(key: &'static str, source: impl Into<Cause>) -> Self {
        let source = source.into();
        Self { key, source }
    }
}

impl EmbeddedBroker {
    /// Starts a broker; clients may come when this returns.
    ///
    /// # Errors
    ///
    /// [`ApplicationError::Broker`]: a port is taken, the store is in use, is none, or cannot be
    /// written.
    pub async fn start(settings: &EmbeddedSettings) -> Result<Self, ApplicationError> {
        let started = Running::start(settings, Clock::system()).await;
        let running = started.map_err(|source| ApplicationError::Broker {
            store: settings.store_path.clone(),
            source,
        })?;
        Ok(Self(Arc::new(running)))
    }

    /// The address of the name server; other processes reach it when the settings let them in.
    pub fn name_server(&self) -> String {
        self.0.name_server.address().to_string()
    }

    /// The address that the broker tells clients.
    pub fn address(&self) -> &str {
        &self.0.broker.advertised().text
    }

    /// Shows `client` the way without a socket.
    pub(crate) fn attach(&self, client: &Client) {
        client.attach(&self.name_server(), self.0.name_server.local());
        client.attach(self.address(), &self.0.broker.local());
    }

    /// Whether [`stop`](Self::stop) was called: such a broker takes no more applications.
    pub(crate) fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Relaxed)
    }

    /// Stops it: requests under way end, everything is saved, the store is closed. Says what did
    /// not end within `limit`. It does not start again; a second call does nothing.
    pub async fn stop(&self, limit: Duration) -> Vec<String> {
        let Running {
            name_server,
            broker,
            outward,
            stopped,
            clock,
        } = &*self.0;
        if stopped.swap(true, Ordering::Relaxed) {
            return Vec::new();
        }
        let deadline = clock.moment().plus(limit);
        let left = || deadline.since(clock.moment());
        let mut problems = Vec::new();
        if let Err(error) = broker.stop(left()).await {
            problems.push(error.to_string());
        }
        for stopped in [outward.stop(left()).await, name_server.stop(left()).await] {
            problems.extend(stopped.err().map(|error| error.to_string()));
        }
        problems
    }
}

impl Running {
    async fn start(settings: &EmbeddedSettings, clock: Clock) -> Result<Self, Cause> {
        let name_server = name_server(settings, clock.clone()).await?;
        let address = name_server.address().to_string();
        let Door { server, advertised } = door(settings, &name_server, clock.clone()).await?;
        let config = broker_config(settings, address.clone());
        let store = open(&config, clock.clone()).await?;
        let outward = Tasks::new(clock.clone());
        let client = RemotingClient::new(
            ClientConfig::default(),
            Arc::new(Router::default()),
            clock.clone(),
            outward.clone(),
        );
        client.attach(&address, name_server.local());
        let opened = Broker::open(config, store.clone(), advertised, client, clock.clone());
        let broker = match opened {
            Ok(broker) => broker,
            Err(error) => {
                store.close()?;
                return Err(error.into());
            }
        };
        broker.start().await?;
        if let Some(server) = server {
            tracing::info!(
                name_server = address,
                broker = broker.advertised().text,
                "listening"
            );
            broker.serve(server);
        }
        Ok(Self {
            name_server,
            broker,
            outward,
            stopped: AtomicBool::new(false),
            clock,
        })
    }
}

async fn name_server(settings: &EmbeddedSettings, clock: Clock) -> Result<NameServer, Cause> {
    let mut config = NamesrvConfig::default();
    let Some(listen) = &settings.listen else {
        return Ok(NameServer::within(&config, clock)?);
    };
    let found = tokio::net::lookup_host(listen).await;
    let address = found.map(|mut found| found.next());
    let address = address
        .map_err(|source| Unusable::new("listen", BindError::new(listen, source)))?
        .ok_or_else(|| Unusable::new("listen", format!("`{listen}` has no address")))?;
    (config.bind, config.port) = (address.ip(), address.port());
    let started = NameServer::start(&config, clock).await;
    Ok(started.map_err(|source| Unusable::new("listen", source))?)
}

async fn door(
    settings: &EmbeddedSettings,
    name_server: &NameServer,
    clock: Clock,
) -> Result<Door, Cause> {
    let host = name_server.address().ip();
    let address = SocketAddr::new(host, settings.broker_port);
    if settings.listen.is_none() {
        return Ok(Door {
            server: None,
            advertised: Advertised::from(address),
        });
    }
    let server = RemotingServer::bind(&address.to_string(), ServerConfig::default(), clock).await;
    let server = server.map_err(|source| Unusable::new("broker-port", source))?;
    let host = if host.is_unspecified() {
        outward_address()
    } else {
        host
    };
    let advertised = SocketAddr::new(host, server.local_address().port());
    Ok(Door {
        server: Some(server),
        advertised: Advertised::from(advertised),
    })
}

/// The address that other machines reach this one at; nothing is sent to find out.
fn outward_address() -> IpAddr {
    /// Kept for documentation: nobody has it.
    const ELSEWHERE: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9);

    let own = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect(ELSEWHERE)?;
        socket.local_addr()
    });
    own.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip())
}

fn broker_config(settings: &EmbeddedSettings, name_server: String) -> BrokerConfig {
    let mut config = BrokerConfig::default();
    CLUSTER.clone_into(&mut config.identity.cluster);
    NAME.clone_into(&mut config.identity.name);
    config.network.name_servers = vec![name_server];
    config.storage.root.clone_from(&settings.store_path);
    config.storage.flush = match settings.flush {
        EmbeddedFlush::Sync => FlushMode::Sync,
        EmbeddedFlush::Interval => {
            tracing::warn!(
                "rocketmq.embedded.flush is `interval`: when the machine loses its power, messages \
                 of the last 200 ms, at most 4 MiB, may be lost although they were acknowledged"
            );
            FlushMode::Interval
        }
    };
    config
}

async fn open(config: &BrokerConfig, clock: Clock) -> Result<MessageStore, Cause> {
    let store = config.store();
    let opening =
        tokio::task::spawn_blocking(move || MessageStore::open(store, Arc::new(RealDisk), clock));
    let (store, _) = opening.await??;
    Ok(store)
}
