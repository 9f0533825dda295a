//! Listens, and gives each connection its task.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::{Connection, End};
use super::{BindError, Peer, PeerId, Router, ServerConfig};
use crate::clock::Clock;
use crate::tasks::Tasks;
use crate::wire::Encoding;

/// How long accepting rests after it failed, for want of file descriptors as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Learns which connections have ended.
pub trait PeerWatcher: Send + Sync + 'static {
    /// `peer` is gone; nothing more comes from it.
    fn closed(&self, peer: &Peer);
}

/// For servers that keep nothing about their peers.
impl PeerWatcher for () {
    fn closed(&self, _peer: &Peer) {}
}

/// A bound listener, not serving yet.
#[derive(Debug)]
pub struct RemotingServer {
    listener: TcpListener,
    address: SocketAddr,
    config: ServerConfig,
    clock: Clock,
}

impl RemotingServer {
    /// Binds `address`, `HOST:PORT`; port 0 picks a free one.
    ///
    /// # Errors
    ///
    /// [`BindError`] names the address and what to do.
    pub async fn bind(
        address: &str,
        config: ServerConfig,
        clock: Clock,
    ) -> Result<Self, BindError> {
        let failed = |source| BindError {
            address: address.to_owned(),
            source,
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        Ok(Self {
            listener,
            address: bound,
            config,
            clock,
        })
    }

    /// Where the server listens.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Answers with `router` until `tasks` stop; `watcher` learns who has gone.
    pub fn serve(self, router: Arc<Router>, watcher: Arc<dyn PeerWatcher>, tasks: &Tasks) {
        let acceptor = Acceptor {
            permits: Arc::new(Semaphore::new(self.config.connections)),
            server: self,
            router,
            watcher,
            tasks: tasks.clone(),
        };
        tasks.spawn_until_stop("accept loop", acceptor.run());
    }
}

struct Acceptor {
    server: RemotingServer,
    permits: Arc<Semaphore>,
    router: Arc<Router>,
    watcher: Arc<dyn PeerWatcher>,
    tasks: Tasks,
}

impl Acceptor {
    async fn run(self) {
        let mut next_id = 1;
        while let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await {
            match self.server.listener.accept().await {
                Ok((stream, address)) => {
                    self.welcome(stream, address, PeerId(next_id), permit);
                    next_id += 1;
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    self.server.clock.sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn welcome(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        id: PeerId,
        permit: OwnedSemaphorePermit,
    ) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%address, %error, "could not set TCP_NODELAY");
        }
        let limits = self.server.config.limits;
        let clock = self.server.clock.clone();
        let (peer, outgoing) = Peer::new(id, address, limits.outbox, clock.clone());
        let connection = Connection {
            stream,
            peer: peer.clone(),
            outgoing,
            router: Arc::clone(&self.router),
            limits,
            encoding: Encoding::Json,
            clock,
        };
        let (watcher, tasks) = (Arc::clone(&self.watcher), self.tasks.clone());
        self.tasks.spawn("connection", async move {
            let _permit = permit;
            tokio::select! {
                end = connection.run() => log_end(&peer, &end),
                () = tasks.stopping() => {}
            }
            peer.close();
            watcher.closed(&peer);
        });
    }
}

/// A peer that hangs up or falls silent is ordinary; one that sends rubbish is not.
pub(super) fn log_end(peer: &Peer, end: &End) {
    match end {
        End::Closed | End::ClosedHere | End::Idle(_) => tracing::debug!(?peer, "{end}"),
        End::Stalled => tracing::warn!(?peer, "{end}"),
        End::Frame(source) => tracing::warn!(?peer, %source, "{end}"),
        End::Io(source) => log_io(peer, end, source),
    }
}

fn log_io(peer: &Peer, end: &End, source: &io::Error) {
    tracing::debug!(?peer, %source, "{end}");
}
