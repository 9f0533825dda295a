//! A broker on a port that the system picks, with a store that is gone when the test ends.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use mq_core::broker::Broker;
use mq_core::broker::config::BrokerConfig;
use mq_core::node::Node;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(10);

/// A broker on a port that the system picks, with a store that is gone when the test ends.
#[derive(Debug)]
pub struct TestBroker {
    node: Node,
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
        let mut config = BrokerConfig::default();
        config.network.bind = IpAddr::V4(Ipv4Addr::LOCALHOST);
        config.network.port = 0;
        config.network.name_servers = name_servers;
        config.network.register_every = Duration::from_millis(200);
        config.storage.root = folder.path().to_owned();
        config.storage.segment_size = 16 * 1024 * 1024;
        change(&mut config);
        let node = Node::builder().broker(config).start().await;
        Self {
            node: node.expect("a fresh broker starts"),
            _store: folder,
        }
    }

    /// The broker itself.
    ///
    /// # Panics
    ///
    /// Never: the node has one.
    pub fn broker(&self) -> &Broker {
        self.node.broker().expect("the node has a broker")
    }

    /// Where it is reached.
    pub fn address(&self) -> &str {
        &self.broker().advertised().text
    }

    /// Stops it in order.
    ///
    /// # Panics
    ///
    /// When something is left undone.
    pub async fn stop(self) {
        self.node.stop(LIMIT).await.expect("the broker stops");
    }
}
