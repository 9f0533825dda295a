//! Name servers that come and go, each always at its own address.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use mq_core::namesrv::NamesrvConfig;
use mq_core::node::Node;

const LIMIT: Duration = Duration::from_secs(10);

/// Name servers that come and go, each always at its own address.
#[derive(Debug)]
pub struct NameServers(Vec<TestNameServer>);

#[derive(Debug)]
struct TestNameServer {
    address: SocketAddr,
    running: Option<Node>,
}

impl NameServers {
    /// Starts `count` of them.
    pub async fn start(count: usize) -> Self {
        let mut servers = Vec::new();
        for _ in 0..count {
            let (running, address) = start(0).await;
            servers.push(TestNameServer {
                address,
                running: Some(running),
            });
        }
        Self(servers)
    }

    /// The addresses of all, running or not.
    pub fn addresses(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|server| server.address.to_string())
            .collect()
    }

    /// Stops the one at `index`.
    ///
    /// # Panics
    ///
    /// When it does not stop in time.
    pub async fn stop(&mut self, index: usize) {
        let running = self
            .0
            .get_mut(index)
            .and_then(|server| server.running.take());
        if let Some(running) = running {
            running
                .stop(LIMIT)
                .await
                .expect("name servers stop in time");
        }
    }

    /// Starts the one at `index` again.
    pub async fn restart(&mut self, index: usize) {
        if let Some(server) = self.0.get_mut(index) {
            let (running, _same) = start(server.address.port()).await;
            server.running = Some(running);
        }
    }
}

/// A name server at `port`, and where it listens.
async fn start(port: u16) -> (Node, SocketAddr) {
    let config = NamesrvConfig {
        bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port,
        ..NamesrvConfig::default()
    };
    let node = Node::builder().name_server(config).start().await;
    let node = node.unwrap_or_else(|error| panic!("no name server: {error}"));
    let listening = node.name_server().expect("it listens");
    (node, listening.from_here())
}
