//! Listens, and serves each connection in a task of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::config::RemotingServerConfig;
use super::connection::{self, Link};
use super::error::BindError;
use super::listening::{self, Listening, unmapped};
use super::peer::{Peer, PeerWatcher};
use super::router::Router;
use crate::clock::Clock;
use crate::tasks::Tasks;
use crate::troubles::Troubles;
use crate::wire::Encoding;

/// The pause after a failed `accept`, such as one that is out of file descriptors.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// The trouble that `accept` fails.
const ACCEPT_FAILED: &str = "accept failed";
/// The trouble that the limit of connections is reached.
const CONNECTION_LIMIT: &str = "connection limit";

/// A server that listens. Connections are accepted once it [serves](RemotingServer::serve).
#[derive(Debug)]
pub struct RemotingServer {
    listener: TcpListener,
    listening: Listening,
    config: RemotingServerConfig,
    clock: Clock,
}

impl RemotingServer {
    /// Listens on `address`, `host:port`. Port 0 takes a free port; the unspecified address of
    /// either family means all addresses of both.
    ///
    /// # Errors
    ///
    /// [`BindError`] names the address, the cause and what to do.
    pub async fn bind(
        address: &str,
        config: RemotingServerConfig,
        clock: Clock,
    ) -> Result<Self, BindError> {
        let complaint = |source| BindError::new(address, source);
        let (listener, listening) = listen(address).await.map_err(complaint)?;
        Ok(Self {
            listener,
            listening,
            config,
            clock,
        })
    }

    /// The socket it listens on.
    pub fn listening(&self) -> Listening {
        self.listening
    }

    /// The address for programs on this machine.
    pub fn local_address(&self) -> SocketAddr {
        self.listening.from_here()
    }

    /// Accepts connections and has `router` answer requests until the owner of `tasks` stops.
    /// Requests in flight are then still answered.
    pub fn serve(self, router: Arc<Router>, watcher: Arc<dyn PeerWatcher>, tasks: &Tasks) {
        let owner = tasks.clone();
        tasks.spawn_until_stop("accepting connections", async move {
            let permits = Arc::new(Semaphore::new(self.config.connections));
            let troubles = Troubles::new(self.clock.clone());
            loop {
                match self.listener.accept().await {
                    Ok((stream, address)) => {
                        let was_failing = troubles.end(ACCEPT_FAILED);
                        let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
                            if let Some(unlogged) = troubles.begin(CONNECTION_LIMIT) {
                                tracing::warn!(%address, unlogged, "connection closed at once: the limit of connections is reached");
                            }
                            continue;
                        };
                        if troubles.end(CONNECTION_LIMIT) || was_failing {
                            tracing::info!(address = %unmapped(address), "connections are accepted again");
                        }
                        let (limits, clock) = (self.config.limits, self.clock.clone());
                        let (id, address) = (router.next_peer(), unmapped(address));
                        let (peer, outgoing) = Peer::new(id, address, limits.outbox, clock.clone());
                        let link = Link {
                            peer,
                            outgoing,
                            router: Arc::clone(&router),
                            watcher: Arc::clone(&watcher),
                            limits,
                            encoding: Encoding::Json,
                        };
                        let serving = serve(stream, permit, link, clock, owner.clone());
                        owner.spawn("connection", serving);
                    }
                    Err(error) if is_the_peers(&error) => {}
                    Err(error) => {
                        if let Some(unlogged) = troubles.begin(ACCEPT_FAILED) {
                            tracing::warn!(%error, unlogged, "no connection can be accepted for now");
                        }
                        self.clock.sleep(ACCEPT_RETRY_DELAY).await;
                    }
                }
            }
        });
    }
}

async fn serve(
    stream: TcpStream,
    permit: OwnedSemaphorePermit,
    link: Link,
    clock: Clock,
    tasks: Tasks,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    connection::run(stream, link, clock, tasks).await;
    drop(permit);
}

async fn listen(address: &str) -> io::Result<(TcpListener, Listening)> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host(address).await? {
        match listening::open(address) {
            Ok((listener, listening)) => return Ok((TcpListener::from_std(listener)?, listening)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Whether the peer gave up before it was accepted.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}
