//! Who has which topic: brokers register here, clients ask.
//!
//! What is known is only as old as the brokers' last heartbeats: a name server that starts anew
//! knows everything again when they have registered. Only keys and values are kept on disk.

pub mod config;
mod kv_config;
mod processors;
mod route_table;
mod routes;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

pub use config::NamesrvConfig;

use crate::clock::Clock;
use crate::remoting::{
    BindError, Listening, LocalServer, PeerWatcher, RemotingServer, Router, ServerConfig,
};
use crate::saved_file::FileError;
use crate::tasks::{Tasks, Unfinished};
use kv_config::KvConfig;
use processors::{Brokers, Kv, Settings, Topics};
use route_table::RouteTable;

/// Why a name server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NameServerError {
    /// It cannot listen.
    #[error("the name server cannot listen: {0}")]
    Bind(#[source] BindError),
    /// What it was told to keep cannot be read.
    #[error("the name server cannot read its key-value table: {0}")]
    KvConfig(#[source] FileError),
}

/// A running name server. One that does not listen, `NameServer<()>`, has no address.
#[derive(Debug)]
pub struct NameServer<L = Listening> {
    listening: L,
    local: LocalServer,
    tasks: Tasks,
}

impl NameServer {
    /// Starts one that listens where `config` says.
    ///
    /// # Errors
    ///
    /// [`NameServerError`] says what is in the way.
    pub async fn start(config: &NamesrvConfig, clock: Clock) -> Result<Self, NameServerError> {
        let parts = Parts::new(config, clock.clone())?;
        let address = SocketAddr::new(config.bind, config.port).to_string();
        let server = RemotingServer::bind(&address, ServerConfig::default(), clock).await;
        let server = server.map_err(NameServerError::Bind)?;
        let listening = server.listening();
        let (router, watcher) = (Arc::clone(&parts.router), parts.watcher());
        server.serve(router, watcher, &parts.tasks);
        Ok(parts.run(listening, listening.from_here(), config.scan_every))
    }

    /// Where it listens.
    pub fn listening(&self) -> Listening {
        self.listening
    }

    /// An address for programs on this machine.
    pub fn address(&self) -> SocketAddr {
        self.listening.from_here()
    }

    /// The same name server, and apart from it where it listens.
    pub fn into_parts(self) -> (NameServer<()>, Listening) {
        let Self {
            listening,
            local,
            tasks,
        } = self;
        let server = NameServer {
            listening: (),
            local,
            tasks,
        };
        (server, listening)
    }
}

impl NameServer<()> {
    /// Starts one that only this process reaches, through [`NameServer::local`].
    ///
    /// # Errors
    ///
    /// [`NameServerError`] says what is in the way.
    pub fn within(config: &NamesrvConfig, clock: Clock) -> Result<Self, NameServerError> {
        let parts = Parts::new(config, clock)?;
        let seen_from = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Ok(parts.run((), seen_from, config.scan_every))
    }
}

impl<L> NameServer<L> {
    /// The way to it without a socket, for
    /// [`RemotingClient::attach`](crate::remoting::RemotingClient::attach).
    pub fn local(&self) -> &LocalServer {
        &self.local
    }

    /// Stops it: nobody new is let in, answers under way go out. Waits at most `limit`.
    ///
    /// # Errors
    ///
    /// [`Unfinished`] names what goes on.
    pub async fn stop(&self, limit: Duration) -> Result<(), Unfinished> {
        self.tasks.stop(limit).await
    }
}

/// A name server that nobody reaches yet.
struct Parts {
    table: Arc<Mutex<RouteTable>>,
    brokers: Brokers,
    router: Arc<Router>,
    clock: Clock,
    tasks: Tasks,
}

impl Parts {
    fn new(config: &NamesrvConfig, clock: Clock) -> Result<Self, NameServerError> {
        let kv = KvConfig::open(config.kv_path.clone()).map_err(NameServerError::KvConfig)?;
        let (table, kv) = (Arc::<Mutex<RouteTable>>::default(), Arc::new(kv));
        let brokers = Brokers {
            table: Arc::clone(&table),
            kv: Arc::clone(&kv),
            tell_order: config.tell_brokers_order,
            clock: clock.clone(),
        };
        let topics = Topics {
            table: Arc::clone(&table),
            kv: Arc::clone(&kv),
            tell_order: config.tell_clients_order,
        };
        let settings = Settings(Bytes::from(config.to_properties()));
        let router = routes::routes(&brokers, &topics, &Kv(kv), &settings);
        Ok(Self {
            table,
            brokers,
            router: Arc::new(router),
            tasks: Tasks::new(clock.clone()),
            clock,
        })
    }

    fn watcher(&self) -> Arc<dyn PeerWatcher> {
        Arc::new(self.brokers.clone())
    }

    /// Clients of this process are seen as coming from `seen_from`.
    fn run<L>(self, listening: L, seen_from: SocketAddr, scan_every: Duration) -> NameServer<L> {
        let (table, clock) = (Arc::clone(&self.table), self.clock.clone());
        self.tasks.spawn_until_stop("brokers' silence", async move {
            loop {
                clock.sleep(scan_every).await;
                for place in table.lock().expire(clock.moment()) {
                    tracing::warn!(address = &*place.address, "a broker has fallen silent");
                }
            }
        });
        let (router, watcher) = (Arc::clone(&self.router), self.watcher());
        let local = LocalServer::new(router, watcher, seen_from, &self.tasks, self.clock);
        NameServer {
            listening,
            local,
            tasks: self.tasks,
        }
    }
}

#[cfg(test)]
mod tests;
