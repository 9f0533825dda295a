//! What a node is told, and its start.
//!
//! Invariant: sockets open before the store, so that a second server that is started by mistake
//! finds its port taken and does not touch the store of the first.

use std::sync::Arc;
use std::time::Duration;

use super::entrance::{BrokerEntrance, NameServerEntrance, Reach};
use super::error::NodeError;
use super::running::{Node, RunningBroker, RunningNameServer};
use crate::broker::Broker;
use crate::broker::config::BrokerConfig;
use crate::clock::Clock;
use crate::namesrv::{NameServer, NamesrvConfig};
use crate::remoting::{RemotingClient, RemotingClientConfig, Router};
use crate::store::disk::{Disk, RealDisk};
use crate::store::{MessageStore, StoreConfig};
use crate::tasks::Tasks;

/// How long a name server may take to stop when its broker did not start.
const FAILED_START_STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// A node being put together: see [`Node::builder`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `start`"]
pub struct NodeBuilder {
    name_server: Option<NamesrvConfig>,
    broker: Option<BrokerConfig>,
    store: Option<StoreConfig>,
    reach: Reach,
    disk: Arc<dyn Disk>,
    clock: Clock,
}

impl Node {
    /// A node of a name server, a broker or both, with sockets and on the system's disk and clock,
    /// unless the builder is told otherwise.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use std::time::Duration;
    /// use mq_core::broker::config::BrokerConfig;
    /// use mq_core::namesrv::NamesrvConfig;
    /// use mq_core::node::Node;
    /// use mq_core::store::disk::MemoryDisk;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut config = BrokerConfig::default();
    /// config.storage.segment_size = 1024 * 1024;
    /// let node = Node::builder()
    ///     .name_server(NamesrvConfig::default())
    ///     .broker(config)
    ///     .disk(Arc::new(MemoryDisk::default()))
    ///     .within_process();
    /// let node = node.start().await?;
    ///
    /// let names: Vec<_> = node.within().map(|(name, _way)| name.to_owned()).collect();
    /// assert_eq!(names, ["name-server.invalid:9876", "broker.invalid:10911"]);
    /// node.stop(Duration::from_secs(5)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> NodeBuilder {
        NodeBuilder {
            name_server: None,
            broker: None,
            store: None,
            reach: Reach::Network,
            disk: Arc::new(RealDisk),
            clock: Clock::system(),
        }
    }
}

impl NodeBuilder {
    /// Has a name server.
    pub fn name_server(mut self, config: NamesrvConfig) -> Self {
        self.name_server = Some(config);
        self
    }

    /// Has a broker. When the node has a name server too, the broker registers with that one alone,
    /// without a socket, whatever `config` says.
    pub fn broker(mut self, config: BrokerConfig) -> Self {
        self.broker = Some(config);
        self
    }

    /// Tells the broker's store this instead of what the broker's settings say.
    pub fn store(mut self, config: StoreConfig) -> Self {
        self.store = Some(config);
        self
    }

    /// Opens no socket: only this process reaches the node, through [`Node::within`].
    pub fn within_process(mut self) -> Self {
        self.reach = Reach::Process;
        self
    }

    /// Keeps the store and the name server's keys on `disk` instead of the system's.
    pub fn disk(mut self, disk: Arc<dyn Disk>) -> Self {
        self.disk = disk;
        self
    }

    /// Takes the time from `clock` instead of the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Starts it; clients may come when this returns.
    ///
    /// # Errors
    ///
    /// [`NodeError`] says what is in the way; whatever had started was stopped again.
    pub async fn start(mut self) -> Result<Node, NodeError> {
        let name_server = match &self.name_server {
            Some(config) => Some(self.start_name_server(config).await?),
            None => None,
        };
        let broker = match self.broker.take() {
            Some(config) => self.start_broker(config, name_server.as_ref()).await,
            None => return Ok(Node::new(name_server, None, self.clock)),
        };
        match broker {
            Ok(broker) => Ok(Node::new(name_server, Some(broker), self.clock)),
            Err(error) => {
                let node = Node::new(name_server, None, self.clock);
                if let Err(unfinished) = node.stop(FAILED_START_STOP_TIMEOUT).await {
                    tracing::warn!(%unfinished, "the broker did not start, and the name server did not end");
                }
                Err(error)
            }
        }
    }

    async fn start_name_server(
        &self,
        config: &NamesrvConfig,
    ) -> Result<RunningNameServer, NodeError> {
        let entrance = NameServerEntrance::open(config, self.reach, &self.clock).await?;
        let (disk, clock) = (Arc::clone(&self.disk), self.clock.clone());
        let server = NameServer::start(config, entrance.seen_from, disk, clock);
        let server = server.map_err(NodeError::KvConfig)?;
        if let Some(socket) = entrance.server {
            server.serve(socket);
        }
        Ok(RunningNameServer {
            server,
            listening: entrance.listening,
            name: entrance.name,
        })
    }

    async fn start_broker(
        &self,
        mut config: BrokerConfig,
        name_server: Option<&RunningNameServer>,
    ) -> Result<RunningBroker, NodeError> {
        let BrokerEntrance { server, advertised } =
            BrokerEntrance::open(&config.network, self.reach, &self.clock).await?;
        let store = self.open_store(&config).await?;
        let outward = Tasks::new(self.clock.clone());
        let client = RemotingClient::new(
            RemotingClientConfig::default(),
            Arc::new(Router::default()),
            self.clock.clone(),
            outward.clone(),
        );
        if let Some(name_server) = name_server {
            client.attach(&name_server.name, name_server.server.local());
            config.network.name_servers = vec![name_server.name.clone()];
        }
        let started = Broker::start(
            config,
            store.clone(),
            advertised,
            client,
            self.clock.clone(),
        );
        let broker = match started.await {
            Ok(broker) => broker,
            Err(error) => {
                if let Err(unclosed) = store.close() {
                    tracing::warn!(error = %unclosed, "the broker did not start, and its store did not close");
                }
                return Err(NodeError::Config(error));
            }
        };
        if let Some(server) = server {
            broker.serve(server);
        }
        Ok(RunningBroker { broker, outward })
    }

    /// Opens the store, which reads much when it recovers, so not on an async thread.
    async fn open_store(&self, config: &BrokerConfig) -> Result<MessageStore, NodeError> {
        let config = self.store.clone().unwrap_or_else(|| config.store());
        let (disk, clock) = (Arc::clone(&self.disk), self.clock.clone());
        let opening = tokio::task::spawn_blocking(move || MessageStore::open(config, disk, clock));
        let opened = opening.await.map_err(NodeError::Interrupted)?;
        let (store, _report) = opened.map_err(NodeError::Store)?;
        Ok(store)
    }
}
