//! Calls by address: connects on demand, once for all who wait, and again after a loss.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use tokio::net::TcpStream;

use super::connection::Connection;
use super::local::LocalLink;
use super::server::log_end;
use super::{CallError, ClientConfig, LocalServer, Peer, PeerId, Router};
use crate::clock::Clock;
use crate::tasks::Tasks;
use crate::wire::{Reply, Request};

/// Calls other programs, by address. Clones share their connections.
#[derive(Clone)]
pub struct RemotingClient(Arc<Inner>);

struct Inner {
    config: ClientConfig,
    incoming: Arc<Router>,
    links: Mutex<HashMap<String, Link>>,
    next_id: AtomicU64,
    clock: Clock,
    tasks: Tasks,
}

#[derive(Clone)]
enum Link {
    Connected(Peer),
    Connecting(Shared<BoxFuture<'static, Result<Peer, Failure>>>),
    Local(LocalLink),
}

/// Why connecting failed, for all who waited for it.
#[derive(Clone)]
struct Failure(Arc<io::Error>);

impl RemotingClient {
    /// Requests of the servers are answered with `incoming`; connections run in `tasks`.
    pub fn new(config: ClientConfig, incoming: Arc<Router>, clock: Clock, tasks: Tasks) -> Self {
        let (links, next_id) = (Mutex::default(), AtomicU64::new(1));
        Self(Arc::new(Inner {
            config,
            incoming,
            links,
            next_id,
            clock,
            tasks,
        }))
    }

    /// From now on `address` is `server`, in this process: no socket, no encoding.
    pub fn attach(&self, address: &str, server: &LocalServer) {
        let link = server.connect(Arc::clone(&self.0.incoming), &self.0.tasks);
        self.0
            .links
            .lock()
            .insert(address.to_owned(), Link::Local(link));
    }

    /// Sends a request and waits for the reply, at most `limit`, connecting included.
    ///
    /// # Errors
    ///
    /// [`CallError`]: not reached, no answer, refused.
    pub async fn call<R: Request>(
        &self,
        address: &str,
        header: R,
        body: Bytes,
        limit: Duration,
    ) -> Result<Reply<R::Reply>, CallError> {
        let begun = self.0.clock.moment();
        let peer = match self.link(address) {
            Link::Local(link) => return link.call(header, body, limit).await,
            Link::Connected(peer) => peer,
            Link::Connecting(attempt) => {
                let limited = self.0.clock.timeout(limit, attempt);
                let attempt = limited.await.map_err(|_elapsed| CallError::Timeout {
                    address: address.to_owned(),
                    limit,
                })?;
                attempt.map_err(|failure| failure.at(address))?
            }
        };
        let left = limit.saturating_sub(self.0.clock.moment().since(begun));
        peer.call(&header, body, left).await
    }

    /// Sends a request that is not answered; resolves when it is on its way.
    ///
    /// # Errors
    ///
    /// [`CallError`]: not reached.
    pub async fn one_way<R: Request>(
        &self,
        address: &str,
        header: R,
        body: Bytes,
    ) -> Result<(), CallError> {
        match self.link(address) {
            Link::Local(link) => {
                link.one_way(header, body).await;
                Ok(())
            }
            Link::Connected(peer) => peer.notify(&header, body),
            Link::Connecting(attempt) => {
                let peer = attempt.await.map_err(|failure| failure.at(address))?;
                peer.notify(&header, body)
            }
        }
    }

    /// Ends the connection to `address`; the next call connects again. Servers in this process are
    /// detached.
    pub fn disconnect(&self, address: &str) {
        let link = self.0.links.lock().remove(address);
        match link {
            Some(Link::Connected(peer)) => peer.close(),
            Some(Link::Local(link)) => link.close(),
            Some(Link::Connecting(_)) | None => {}
        }
    }

    /// The connection to `address`, or the one attempt to make it.
    fn link(&self, address: &str) -> Link {
        let mut links = self.0.links.lock();
        match links.get(address) {
            Some(Link::Connected(peer)) if peer.is_closed() => {}
            Some(link) => return link.clone(),
            None => {}
        }
        let attempt = Arc::clone(&self.0)
            .connect(address.to_owned())
            .boxed()
            .shared();
        links.insert(address.to_owned(), Link::Connecting(attempt.clone()));
        Link::Connecting(attempt)
    }
}

impl Inner {
    async fn connect(self: Arc<Self>, address: String) -> Result<Peer, Failure> {
        let connecting = TcpStream::connect(&address);
        let outcome = match self
            .clock
            .timeout(self.config.connect_timeout, connecting)
            .await
        {
            Ok(outcome) => outcome.and_then(|stream| self.open(stream)),
            Err(_elapsed) => Err(io::ErrorKind::TimedOut.into()),
        };
        let mut links = self.links.lock();
        match outcome {
            Ok(peer) => {
                links.insert(address, Link::Connected(peer.clone()));
                Ok(peer)
            }
            Err(error) => {
                // Who calls next tries again.
                links.remove(&address);
                Err(Failure(Arc::new(error)))
            }
        }
    }

    /// Gives the new connection its task.
    fn open(&self, stream: TcpStream) -> io::Result<Peer> {
        stream.set_nodelay(true)?;
        let address = stream.peer_addr()?;
        let id = PeerId(self.next_id.fetch_add(1, Ordering::Relaxed));
        let limits = self.config.limits;
        let (peer, outgoing) = Peer::new(id, address, limits.outbox, self.clock.clone());
        let connection = Connection {
            stream,
            peer: peer.clone(),
            outgoing,
            router: Arc::clone(&self.incoming),
            limits,
            encoding: self.config.encoding,
            clock: self.clock.clone(),
        };
        let (ended, tasks) = (peer.clone(), self.tasks.clone());
        self.tasks.spawn("connection", async move {
            tokio::select! {
                end = connection.run() => log_end(&ended, &end),
                () = tasks.stopping() => {}
            }
            ended.close();
        });
        Ok(peer)
    }
}

impl Failure {
    fn at(&self, address: &str) -> CallError {
        let source = io::Error::new(self.0.kind(), self.0.to_string());
        CallError::Connect {
            address: address.to_owned(),
            source,
        }
    }
}

impl fmt::Debug for RemotingClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.links.lock().keys()).finish()
    }
}
