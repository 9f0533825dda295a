//! A broker on a port that the system picks, with a store that is gone when the test ends.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use mq_core::broker::config::BrokerConfig;
use mq_core::broker::{Advertised, Broker};
use mq_core::clock::Clock;
use mq_core::remoting::{ClientConfig, RemotingClient, RemotingServer, ServerConfig};
use mq_core::store::MessageStore;
use mq_core::store::disk::RealDisk;
use mq_core::tasks::Tasks;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(10);

/// A broker on a port that the system picks, with a store that is gone when the test ends.
#[derive(Debug)]
pub struct TestBroker {
    broker: Broker,
    client_tasks: Tasks,
    _store: TempDir,
}

impl TestBroker {
    /// Starts one that registers with `name_servers`, and again every 200 ms.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn start(name_servers: Vec<String>) -> Self {
        Self::with(name_servers, |_config| {}).await
    }

    /// Starts one with settings of its own.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn with(name_servers: Vec<String>, change: impl FnOnce(&mut BrokerConfig)) -> Self {
        let folder = TempDir::new().expect("a temporary directory");
        let clock = Clock::system();
        let mut config = BrokerConfig::default();
        config.network.bind = IpAddr::V4(Ipv4Addr::LOCALHOST);
        config.network.name_servers = name_servers;
        config.network.register_every = Duration::from_millis(200);
        config.storage.root = folder.path().to_owned();
        config.storage.segment_size = 16 * 1024 * 1024;
        change(&mut config);
        let server = RemotingServer::bind("127.0.0.1:0", ServerConfig::default(), clock.clone());
        let server = server.await.expect("a free port");
        let socket = server.local_address();
        let advertised = Advertised {
            text: socket.to_string(),
            socket,
        };
        let disk = Arc::new(RealDisk);
        let (store, _report) =
            MessageStore::open(config.store(), disk, clock.clone()).expect("a fresh store opens");
        let client_tasks = Tasks::new(clock.clone());
        let client = RemotingClient::new(
            ClientConfig::default(),
            Arc::default(),
            clock.clone(),
            client_tasks.clone(),
        );
        let broker = Broker::open(config, store, advertised, client, clock);
        let broker = broker.expect("a fresh broker opens");
        broker.start().await.expect("a fresh broker starts");
        broker.serve(server);
        Self {
            broker,
            client_tasks,
            _store: folder,
        }
    }

    /// The broker itself.
    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// Where it is reached.
    pub fn address(&self) -> &str {
        &self.broker.advertised().text
    }

    /// Stops it in order.
    ///
    /// # Panics
    ///
    /// When something is left undone.
    pub async fn stop(self) {
        self.broker.stop(LIMIT).await.expect("the broker stops");
        let stopped = self.client_tasks.stop(LIMIT).await;
        stopped.expect("its connections end");
    }
}
