//! The servers of a client, by address: each has a connection that is open or being made, or runs
//! in the same process.
//!
//! Connections are made when they are needed. Callers who need the same one share the attempt: what
//! they ask waits in the outbox of the connection to be, and goes out in that order.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

use super::config::RemotingClientConfig;
use super::connection::{self, Link};
use super::error::CallError;
use super::local::{LocalLink, LocalServer};
use super::peer::{Outgoing, Peer, PeerId};
use super::router::Router;
use crate::clock::Clock;
use crate::tasks::Tasks;

/// The connections of one client. They are closed when this is dropped or when the owner of `tasks`
/// stops.
pub(super) struct Connections {
    pub(super) config: RemotingClientConfig,
    /// Answers requests from servers.
    pub(super) incoming: Arc<Router>,
    pub(super) clock: Clock,
    pub(super) tasks: Tasks,
    servers: Mutex<HashMap<String, Server>>,
}

/// How a server is reached.
enum Server {
    Local(LocalServer, Option<Arc<LocalLink>>),
    Remote(Way),
}

/// The connection with a server, open or being made.
#[derive(Clone)]
pub(super) struct Way {
    outbox: mpsc::Sender<Box<Outgoing>>,
    attempt: watch::Receiver<Attempt>,
}

#[derive(Clone)]
enum Attempt {
    Connecting,
    Open(Peer),
    Failed(Arc<io::Error>),
}

impl Way {
    pub(super) fn is_open(&self) -> bool {
        matches!(&*self.attempt.borrow(), Attempt::Open(_))
    }

    /// Whether requests can still go out this way.
    fn is_usable(&self) -> bool {
        match &*self.attempt.borrow() {
            Attempt::Open(peer) => !peer.is_closed(),
            Attempt::Connecting => self.attempt.has_changed().is_ok(),
            Attempt::Failed(_) => false,
        }
    }

    /// Puts `outgoing` into the outbox, waiting for room; gives it back when the connection has
    /// ended or was not made.
    pub(super) async fn deliver(&self, outgoing: Outgoing) -> Result<(), Outgoing> {
        if let Attempt::Open(peer) = &*self.attempt.borrow()
            && peer.is_closed()
        {
            return Err(outgoing);
        }
        let sent = self.outbox.send(Box::new(outgoing)).await;
        sent.map_err(|refused| *refused.0)
    }

    /// The other end, once the connection is open.
    ///
    /// # Errors
    ///
    /// [`CallError::Connect`], or [`CallError::Closed`] when this client is stopping.
    pub(super) async fn opened(&mut self, address: &str) -> Result<Peer, CallError> {
        let attempt = &mut self.attempt;
        let outcome = attempt
            .wait_for(|attempt| !matches!(attempt, Attempt::Connecting))
            .await;
        match outcome.as_deref() {
            Ok(Attempt::Open(peer)) => Ok(peer.clone()),
            Ok(Attempt::Failed(error)) => Err(CallError::Connect {
                address: address.to_owned(),
                source: io::Error::new(error.kind(), Arc::clone(error)),
            }),
            Ok(Attempt::Connecting) | Err(_) => Err(closed(address)),
        }
    }

    fn close(&self) {
        if let Attempt::Open(peer) = &*self.attempt.borrow() {
            peer.close();
        }
    }
}

impl Connections {
    pub(super) fn new(
        config: RemotingClientConfig,
        incoming: Arc<Router>,
        clock: Clock,
        tasks: Tasks,
    ) -> Self {
        Self {
            config,
            incoming,
            clock,
            tasks,
            servers: Mutex::default(),
        }
    }

    /// Routes requests for `address` to `server`, in this process.
    pub(super) fn attach(&self, address: &str, server: &LocalServer) {
        let server = Server::Local(server.clone(), None);
        let before = self.servers.lock().insert(address.to_owned(), server);
        if let Some(before) = before {
            before.close();
        }
    }

    /// Closes the connection with `address`; a server in this process stays attached.
    pub(super) fn disconnect(&self, address: &str) {
        let mut servers = self.servers.lock();
        match servers.get_mut(address) {
            Some(Server::Local(_, link)) => {
                if let Some(link) = link.take() {
                    link.close();
                }
            }
            Some(Server::Remote(_)) => {
                if let Some(server) = servers.remove(address) {
                    server.close();
                }
            }
            None => {}
        }
    }

    /// The connection with `address` that is open.
    pub(super) fn open_with(&self, address: &str) -> Option<PeerId> {
        let servers = self.servers.lock();
        match servers.get(address)? {
            Server::Local(_, link) => {
                let link = link.as_ref().filter(|link| link.is_open())?;
                Some(link.id())
            }
            Server::Remote(way) => match &*way.attempt.borrow() {
                Attempt::Open(peer) if !peer.is_closed() => Some(peer.id()),
                _ => None,
            },
        }
    }

    /// The link to the in-process server attached as `address`; `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`CallError::Connect`] when that server or this client is stopping.
    pub(super) fn local(&self, address: &str) -> Result<Option<Arc<LocalLink>>, CallError> {
        let mut servers = self.servers.lock();
        let Some(Server::Local(server, link)) = servers.get_mut(address) else {
            return Ok(None);
        };
        if let Some(link) = link.as_ref().filter(|link| link.is_open()) {
            return Ok(Some(Arc::clone(link)));
        }
        let (incoming, outbox) = (Arc::clone(&self.incoming), self.config.limits.outbox);
        let fresh = Arc::new(server.connect(address, incoming, outbox, &self.tasks)?);
        *link = Some(Arc::clone(&fresh));
        Ok(Some(fresh))
    }

    /// Handles `GO_AWAY`: later requests take a new connection, while requests in flight are still
    /// answered on the old one.
    pub(super) fn leave(&self, address: &str, peer: &Peer) {
        let mut servers = self.servers.lock();
        let is_old = |server: &Server| match server {
            Server::Remote(way) => match &*way.attempt.borrow() {
                Attempt::Open(open) => open.id() == peer.id(),
                Attempt::Connecting | Attempt::Failed(_) => false,
            },
            Server::Local(..) => false,
        };
        if servers.get(address).is_some_and(is_old) {
            servers.remove(address);
        }
    }

    /// The connection with `address`, or the attempt that is under way, or a new one.
    pub(super) fn way(&self, address: &str) -> Way {
        let mut servers = self.servers.lock();
        if let Some(Server::Remote(way)) = servers.get(address)
            && way.is_usable()
        {
            return way.clone();
        }
        let way = self.connect(address);
        servers.insert(address.to_owned(), Server::Remote(way.clone()));
        way
    }

    fn connect(&self, address: &str) -> Way {
        let (outcome, attempt) = watch::channel(Attempt::Connecting);
        let (outbox, outgoing) = mpsc::channel(self.config.limits.outbox);
        let way = Way {
            outbox: outbox.clone(),
            attempt,
        };
        let (config, router) = (self.config, Arc::clone(&self.incoming));
        let (clock, tasks) = (self.clock.clone(), self.tasks.clone());
        let address = address.to_owned();
        self.tasks.spawn("connection to a server", async move {
            let connecting = open(&address, &config, &clock);
            let connected = tokio::select! {
                connected = connecting => connected,
                () = tasks.stopping() => return,
            };
            let (stream, remote) = match connected {
                Ok(connected) => connected,
                Err(error) => {
                    outcome.send_replace(Attempt::Failed(Arc::new(error)));
                    return;
                }
            };
            if outcome.is_closed() {
                return;
            }
            let peer = Peer::with_outbox(router.next_peer(), remote, outbox, clock.clone());
            outcome.send_replace(Attempt::Open(peer.clone()));
            let link = Link {
                peer,
                outgoing,
                router,
                watcher: Arc::new(()),
                limits: config.limits,
                encoding: config.encoding,
            };
            connection::run(stream, link, clock, tasks).await;
        });
        way
    }
}

impl Server {
    fn close(&self) {
        match self {
            Self::Local(_, link) => {
                if let Some(link) = link {
                    link.close();
                }
            }
            Self::Remote(way) => way.close(),
        }
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        for server in self.servers.get_mut().values() {
            server.close();
        }
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.servers.lock().keys()).finish()
    }
}

async fn open(
    address: &str,
    config: &RemotingClientConfig,
    clock: &Clock,
) -> io::Result<(TcpStream, SocketAddr)> {
    let connecting = TcpStream::connect(address);
    let stream = match clock.timeout(config.connect_timeout, connecting).await {
        Ok(stream) => stream?,
        Err(elapsed) => return Err(io::Error::new(io::ErrorKind::TimedOut, elapsed)),
    };
    stream.set_nodelay(true)?;
    let remote = stream.peer_addr()?;
    Ok((stream, remote))
}

pub(super) fn closed(address: &str) -> CallError {
    CallError::Closed {
        address: address.to_owned(),
    }
}
