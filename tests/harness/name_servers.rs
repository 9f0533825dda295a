//! Name servers that come and go, each always at its own address.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use mq_core::clock::Clock;
use mq_core::namesrv::{NameServer, NamesrvConfig};

const LIMIT: Duration = Duration::from_secs(10);

/// Name servers that come and go, each always at its own address.
#[derive(Debug)]
pub struct NameServers(Vec<Place>);

#[derive(Debug)]
struct Place {
    address: SocketAddr,
    running: Option<NameServer>,
}

impl NameServers {
    /// Starts `count` of them.
    pub async fn start(count: usize) -> Self {
        let mut places = Vec::new();
        for _ in 0..count {
            let running = start(0).await;
            places.push(Place {
                address: running.address(),
                running: Some(running),
            });
        }
        Self(places)
    }

    /// The addresses of all, running or not.
    pub fn addresses(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|place| place.address.to_string())
            .collect()
    }

    /// Stops the one at `index`.
    ///
    /// # Panics
    ///
    /// When it does not stop in time.
    pub async fn stop(&mut self, index: usize) {
        let running = self.0.get_mut(index).and_then(|place| place.running.take());
        if let Some(running) = running {
            running
                .stop(LIMIT)
                .await
                .expect("name servers stop in time");
        }
    }

    /// Starts the one at `index` again.
    pub async fn restart(&mut self, index: usize) {
        if let Some(place) = self.0.get_mut(index) {
            place.running = Some(start(place.address.port()).await);
        }
    }
}

async fn start(port: u16) -> NameServer {
    let config = NamesrvConfig {
        bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port,
        ..NamesrvConfig::default()
    };
    let server = NameServer::start(&config, Clock::system()).await;
    server.unwrap_or_else(|error| panic!("no name server: {error}"))
}
