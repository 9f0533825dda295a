//! Asks servers by address: over one connection for each, or directly when the server is in the
//! same process.
//!
//! Connections are made when they are needed. Callers who need the same one share the attempt.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};

use super::connection::{self, Link};
use super::local::{LocalLink, LocalServer};
use super::peer::{self, Outgoing, Peer};
use super::{CallError, ClientConfig, Router};
use crate::clock::Clock;
use crate::tasks::Tasks;
use crate::wire::{FrameError, Head, RemotingCommand, Reply, Request, ResponseCode};

/// Asks servers by address. Clones share the connections; they end with the last clone, or with
/// the tasks they run on.
#[derive(Clone)]
pub struct RemotingClient(Arc<Inner>);

struct Inner {
    config: ClientConfig,
    incoming: Arc<Router>,
    clock: Clock,
    tasks: Tasks,
    places: Mutex<HashMap<String, Place>>,
}

/// What stands at an address.
enum Place {
    Local(LocalServer, Option<Arc<LocalLink>>),
    Remote(watch::Receiver<Attempt>),
}

#[derive(Clone)]
enum Attempt {
    Connecting,
    Open(Peer),
    Failed(Arc<io::Error>),
}

/// How far a call has come.
enum Stage {
    Connecting,
    Queued,
    Sent { to: Peer, heard: u64 },
}

/// A server that says nothing at all for as long as a call waits, and that is at least so long, is
/// given up with its connection: the way to it may be cut without anybody having said so
/// (`clientCloseSocketIfTimeout`).
const SILENCE: Duration = Duration::from_secs(2);

impl RemotingClient {
    /// Without connections yet. `incoming` answers what servers ask.
    pub fn new(config: ClientConfig, incoming: Arc<Router>, clock: Clock, tasks: Tasks) -> Self {
        Self(Arc::new(Inner {
            config,
            incoming,
            clock,
            tasks,
            places: Mutex::default(),
        }))
    }

    /// From now on `address` is `server`, in this process.
    pub fn attach(&self, address: &str, server: &LocalServer) {
        let place = Place::Local(server.clone(), None);
        let before = self.0.places.lock().insert(address.to_owned(), place);
        if let Some(before) = before {
            before.close();
        }
    }

    /// Asks the server at `address` and waits for the answer, at most `limit` altogether.
    ///
    /// # Errors
    ///
    /// [`CallError`] says whether the request can have been carried out.
    pub async fn call<R: Request>(
        &self,
        address: &str,
        header: R,
        body: Bytes,
        limit: Duration,
    ) -> Result<Reply<R::Reply>, CallError> {
        if let Some(link) = self.local(address)? {
            return link.call(header, body, limit).await;
        }
        let command = peer::command(Head::request(R::CODE, 0), &header, body);
        self.check(&command)?;
        let mut stage = Stage::Connecting;
        let exchange = async {
            let (answer, peer) = self.ask(address, command.clone(), &mut stage).await?;
            if answer.head.code != ResponseCode::GO_AWAY.0 {
                return Ok(answer);
            }
            self.leave(address, &peer);
            let (answer, _) = self.ask(address, command, &mut stage).await?;
            Ok(answer)
        };
        let answer = match self.0.clock.timeout(limit, exchange).await {
            Ok(answer) => answer?,
            Err(_elapsed) => {
                stage.give_up_silent_server(limit);
                return Err(too_late(address, &stage, limit));
            }
        };
        peer::typed_answer::<R>(answer)
    }

    /// Tells the server at `address` something. Success says that it is on its way, no more.
    ///
    /// # Errors
    ///
    /// [`CallError`] when there is no connection, or no room within the time for connecting.
    pub async fn one_way<R: Request>(
        &self,
        address: &str,
        header: R,
        body: Bytes,
    ) -> Result<(), CallError> {
        if let Some(link) = self.local(address)? {
            link.one_way(header, body).await;
            return Ok(());
        }
        let command = peer::command(Head::request(R::CODE, 0).one_way(), &header, body);
        self.check(&command)?;
        let outgoing = Outgoing {
            command,
            answer: None,
        };
        let mut stage = Stage::Connecting;
        let limit = self.0.config.connect_timeout;
        let delivery = self.deliver(address, outgoing, &mut stage);
        match self.0.clock.timeout(limit, delivery).await {
            Ok(outcome) => outcome.map(drop),
            Err(_elapsed) => Err(too_late(address, &stage, limit)),
        }
    }

    /// Ends the connection with `address`; the next request makes a new one.
    pub fn disconnect(&self, address: &str) {
        let mut places = self.0.places.lock();
        match places.get_mut(address) {
            Some(Place::Local(_, link)) => {
                if let Some(link) = link.take() {
                    link.close();
                }
            }
            Some(Place::Remote(_)) => {
                if let Some(place) = places.remove(address) {
                    place.close();
                }
            }
            None => {}
        }
    }

    fn local(&self, address: &str) -> Result<Option<Arc<LocalLink>>, CallError> {
        let mut places = self.0.places.lock();
        let Some(Place::Local(server, link)) = places.get_mut(address) else {
            return Ok(None);
        };
        if let Some(link) = link.as_ref().filter(|link| link.is_open()) {
            return Ok(Some(Arc::clone(link)));
        }
        let inner = &self.0;
        let outbox = inner.config.limits.outbox;
        let fresh = server.connect(address, Arc::clone(&inner.incoming), outbox, &inner.tasks)?;
        let fresh = Arc::new(fresh);
        *link = Some(Arc::clone(&fresh));
        Ok(Some(fresh))
    }

    /// Peers close a connection over a frame that is too long, so it is not sent.
    fn check(&self, command: &RemotingCommand) -> Result<(), CallError> {
        let limit = self.0.config.limits.frame;
        let length = command.body.len();
        if length <= limit / 2 {
            return Ok(());
        }
        let length = length + command.fields.size() + 256;
        if length > limit {
            return Err(CallError::Frame(FrameError::TooLong { length, limit }));
        }
        Ok(())
    }

    /// The answer, and who gave it.
    async fn ask(
        &self,
        address: &str,
        command: RemotingCommand,
        stage: &mut Stage,
    ) -> Result<(RemotingCommand, Peer), CallError> {
        let (answer, waiting) = oneshot::channel();
        let outgoing = Outgoing {
            command,
            answer: Some(answer),
        };
        let peer = self.deliver(address, outgoing, stage).await?;
        let answer = waiting.await.map_err(|_dropped| closed(address))?;
        Ok((answer, peer))
    }

    /// A server that shuts down wants its clients on a new connection: what is asked from now on
    /// takes one, what was asked over the old one is still answered there.
    fn leave(&self, address: &str, peer: &Peer) {
        let mut places = self.0.places.lock();
        let is_old = |place: &Place| match place {
            Place::Remote(attempt) => match &*attempt.borrow() {
                Attempt::Open(open) => open.id() == peer.id(),
                Attempt::Connecting | Attempt::Failed(_) => false,
            },
            Place::Local(..) => false,
        };
        if places.get(address).is_some_and(is_old) {
            places.remove(address);
        }
    }

    async fn deliver(
        &self,
        address: &str,
        mut outgoing: Outgoing,
        stage: &mut Stage,
    ) -> Result<Peer, CallError> {
        // A connection that ended since the last request has sent nothing: one more is made.
        for _ in 0..2 {
            *stage = Stage::Connecting;
            let peer = self.connected(address).await?;
            *stage = Stage::Queued;
            let heard = peer.heard();
            match peer.deliver(outgoing).await {
                Ok(()) => {
                    let to = peer.clone();
                    *stage = Stage::Sent { to, heard };
                    return Ok(peer);
                }
                Err(back) => outgoing = back,
            }
        }
        Err(closed(address))
    }

    async fn connected(&self, address: &str) -> Result<Peer, CallError> {
        let mut attempt = self.attempt(address);
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

    /// The connection with `address`, or the attempt that is under way, or a new one.
    fn attempt(&self, address: &str) -> watch::Receiver<Attempt> {
        let mut places = self.0.places.lock();
        if let Some(Place::Remote(attempt)) = places.get(address) {
            let usable = match &*attempt.borrow() {
                Attempt::Open(peer) => !peer.is_closed(),
                Attempt::Connecting => attempt.has_changed().is_ok(),
                Attempt::Failed(_) => false,
            };
            if usable {
                return attempt.clone();
            }
        }
        let attempt = self.connect(address);
        places.insert(address.to_owned(), Place::Remote(attempt.clone()));
        attempt
    }

    fn connect(&self, address: &str) -> watch::Receiver<Attempt> {
        let (outcome, attempt) = watch::channel(Attempt::Connecting);
        let (config, router) = (self.0.config, Arc::clone(&self.0.incoming));
        let (clock, tasks) = (self.0.clock.clone(), self.0.tasks.clone());
        let address = address.to_owned();
        self.0.tasks.spawn("connection to a server", async move {
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
            let outbox = config.limits.outbox;
            let (peer, outgoing) = Peer::new(router.next_peer(), remote, outbox, clock.clone());
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
        attempt
    }
}

impl Stage {
    fn give_up_silent_server(&self, waited: Duration) {
        if let Self::Sent { to, heard } = self
            && waited >= SILENCE
            && to.heard() == *heard
        {
            tracing::debug!(peer = ?to, "closed: not a word for {waited:?}");
            to.close();
        }
    }
}

impl Place {
    fn close(&self) {
        match self {
            Self::Local(_, link) => {
                if let Some(link) = link {
                    link.close();
                }
            }
            Self::Remote(attempt) => {
                if let Attempt::Open(peer) = &*attempt.borrow() {
                    peer.close();
                }
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for place in self.places.get_mut().values() {
            place.close();
        }
    }
}

impl fmt::Debug for RemotingClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.places.lock().keys()).finish()
    }
}

async fn open(
    address: &str,
    config: &ClientConfig,
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

fn closed(address: &str) -> CallError {
    CallError::Closed {
        address: address.to_owned(),
    }
}

fn too_late(address: &str, stage: &Stage, limit: Duration) -> CallError {
    let address = address.to_owned();
    match stage {
        Stage::Connecting => CallError::Connect {
            address,
            source: io::ErrorKind::TimedOut.into(),
        },
        Stage::Queued => CallError::Busy { address },
        Stage::Sent { .. } => CallError::Timeout { address, limit },
    }
}
