//! Who has which topic: brokers register here, clients ask.
//!
//! What is known is only as old as the brokers' last heartbeats: a name server that starts anew
//! knows everything again when they have registered. Only keys and values are kept on disk.

pub mod config;
mod kv_config;
mod live_settings;
mod processors;
mod route_table;
mod routes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

pub use config::NamesrvConfig;

use crate::clock::Clock;
use crate::remoting::{LocalServer, PeerWatcher, RemotingServer, Router};
use crate::saved_file::{FileError, SmallFiles};
use crate::stopping::{StopError, StopProblem};
use crate::tasks::Tasks;
use kv_config::KvConfig;
use live_settings::LiveSettings;
use processors::{BrokerProcessor, KvProcessor, SettingsProcessor, TopicProcessor};
use route_table::RouteTable;

/// A running name server. This process reaches it through [`local`](Self::local), others through
/// what it [serves](Self::serve).
#[derive(Debug)]
pub struct NameServer {
    router: Arc<Router>,
    brokers: BrokerProcessor,
    local: LocalServer,
    tasks: Tasks,
}

impl NameServer {
    /// Starts one that nobody else reaches yet and whose key-value table is a file of `disk`. Clients
    /// of this process are seen as coming from `seen_from`.
    ///
    /// # Errors
    ///
    /// [`FileError`] when its key-value table cannot be read.
    pub fn start(
        config: &NamesrvConfig,
        seen_from: SocketAddr,
        disk: Arc<dyn SmallFiles>,
        clock: Clock,
    ) -> Result<Self, FileError> {
        let kv = Arc::new(KvConfig::open(disk, config.kv_path.clone())?);
        let table = Arc::<Mutex<RouteTable>>::default();
        let live = Arc::new(LiveSettings::new(config.clone()));
        let brokers = BrokerProcessor {
            table: Arc::clone(&table),
            kv: Arc::clone(&kv),
            settings: Arc::clone(&live),
            clock: clock.clone(),
        };
        let topics = TopicProcessor {
            table: Arc::clone(&table),
            kv: Arc::clone(&kv),
            settings: Arc::clone(&live),
        };
        let settings = SettingsProcessor {
            settings: live,
            own_address: seen_from,
        };
        let router = Arc::new(routes::routes(
            &brokers,
            &topics,
            &KvProcessor(kv),
            &settings,
        ));
        let tasks = Tasks::new(clock.clone());
        let watcher = Arc::new(brokers.clone());
        let local = LocalServer::new(
            Arc::clone(&router),
            watcher,
            seen_from,
            &tasks,
            clock.clone(),
        );
        let scan_every = config.scan_every;
        tasks.spawn_until_stop("brokers' silence", async move {
            loop {
                clock.sleep(scan_every).await;
                for key in table.lock().expire(clock.moment()) {
                    tracing::warn!(address = &*key.address, "a broker has fallen silent");
                }
            }
        });
        Ok(Self {
            router,
            brokers,
            local,
            tasks,
        })
    }

    /// Lets the brokers and clients in that `server` listens for.
    pub fn serve(&self, server: RemotingServer) {
        let watcher: Arc<dyn PeerWatcher> = Arc::new(self.brokers.clone());
        server.serve(Arc::clone(&self.router), watcher, &self.tasks);
    }

    /// The way to it without a socket, for
    /// [`RemotingClient::attach`](crate::remoting::RemotingClient::attach).
    pub fn local(&self) -> &LocalServer {
        &self.local
    }

    /// Stops it: nobody new is let in, answers under way go out. Waits at most `limit`.
    ///
    /// # Errors
    ///
    /// [`StopError`] names what goes on.
    pub async fn stop(&self, limit: Duration) -> Result<(), StopError> {
        let stopped = self.tasks.stop(limit).await;
        StopError::of(StopProblem::late("name server", stopped))
    }
}

#[cfg(test)]
mod tests;
