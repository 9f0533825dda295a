//! Listens, and gives each connection a task of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::config::ServerConfig;
use super::connection::{self, Link};
use super::error::BindError;
use super::listening::{self, Listening, unmapped};
use super::peer::{Peer, PeerWatcher};
use super::router::Router;
use crate::clock::Clock;
use crate::tasks::Tasks;
use crate::troubles::Troubles;
use crate::wire::Encoding;

/// How long nobody is let in after the system refused to let somebody in.
const PAUSE: Duration = Duration::from_millis(100);

/// The trouble that the system lets nobody in.
const NO_ACCEPT: &str = "accept";
/// The trouble that there are as many connections as there may be.
const TOO_MANY: &str = "too many";

/// A server that listens; connections wait until it [serves](RemotingServer::serve).
#[derive(Debug)]
pub struct RemotingServer {
    listener: TcpListener,
    listening: Listening,
    config: ServerConfig,
    clock: Clock,
}

impl RemotingServer {
    /// Listens on `address`, `host:port`; port 0 takes a free one, and the unspecified address of
    /// either family is every address of both.
    ///
    /// # Errors
    ///
    /// [`BindError`] says which address, why not, and what to do about it.
    pub async fn bind(
        address: &str,
        config: ServerConfig,
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

    /// Where it listens.
    pub fn listening(&self) -> Listening {
        self.listening
    }

    /// An address for programs on this machine.
    pub fn local_address(&self) -> SocketAddr {
        self.listening.from_here()
    }

    /// Lets peers in and has `router` answer them until the owner of `tasks` stops. Answers that
    /// are under way then still go out.
    pub fn serve(self, router: Arc<Router>, watcher: Arc<dyn PeerWatcher>, tasks: &Tasks) {
        let owner = tasks.clone();
        tasks.spawn_until_stop("accepting connections", async move {
            let places = Arc::new(Semaphore::new(self.config.connections));
            let troubles = Troubles::new(self.clock.clone());
            loop {
                match self.listener.accept().await {
                    Ok((stream, address)) => {
                        let was_shut = troubles.end(NO_ACCEPT);
                        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                            if let Some(untold) = troubles.begin(TOO_MANY) {
                                tracing::warn!(%address, untold, "closed at once: too many connections");
                            }
                            continue;
                        };
                        if troubles.end(TOO_MANY) || was_shut {
                            tracing::info!(address = %unmapped(address), "connections are let in again");
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
                        let serving = serve(stream, place, link, clock, owner.clone());
                        owner.spawn("connection", serving);
                    }
                    Err(error) if is_the_peers(&error) => {}
                    Err(error) => {
                        if let Some(untold) = troubles.begin(NO_ACCEPT) {
                            tracing::warn!(%error, untold, "nobody can be let in for now");
                        }
                        self.clock.sleep(PAUSE).await;
                    }
                }
            }
        });
    }
}

async fn serve(
    stream: TcpStream,
    place: OwnedSemaphorePermit,
    link: Link,
    clock: Clock,
    tasks: Tasks,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    connection::run(stream, link, clock, tasks).await;
    drop(place);
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

/// The peer gave up before it was let in.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}
