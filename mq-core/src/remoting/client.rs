//! Sends requests to servers by address: over one connection per server, or directly to a server in
//! the same process.
//!
//! A request that the server may have processed is never repeated here. It is sent again only when
//! the connection closed before taking it, or when the server answered `GO_AWAY`.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::config::RemotingClientConfig;
use super::connections::{Connections, Way, closed};
use super::error::CallError;
use super::local::LocalServer;
use super::peer::{self, Outgoing, Peer, PeerId};
use super::router::Router;
use crate::clock::Clock;
use crate::tasks::Tasks;
use crate::wire::{FrameError, Head, RemotingCommand, Reply, Request, ResponseCode};

/// A call that times out after at least this long, during which not a byte came from the server,
/// closes the connection: the network may have dropped it without a reset
/// (`clientCloseSocketIfTimeout`).
const CLOSE_AFTER_SILENT_CALL: Duration = Duration::from_secs(2);

/// Sends requests to servers by address. Clones share the connections, which are closed with the
/// last clone or when the owner of their tasks stops.
#[derive(Clone)]
pub struct RemotingClient(Arc<Connections>);

/// How far a call has got; a timeout becomes another error in each stage.
enum Stage {
    Connecting,
    Queued,
    Sent { to: Peer, heard: u64 },
}

impl RemotingClient {
    /// A client without connections. `incoming` answers requests from servers.
    pub fn new(
        config: RemotingClientConfig,
        incoming: Arc<Router>,
        clock: Clock,
        tasks: Tasks,
    ) -> Self {
        Self(Arc::new(Connections::new(config, incoming, clock, tasks)))
    }

    /// Routes requests for `address` to `server`, in this process.
    pub fn attach(&self, address: &str, server: &LocalServer) {
        self.0.attach(address, server);
    }

    /// Sends a request to the server at `address` and waits for the response, at most `limit`
    /// including the time to connect.
    ///
    /// # Errors
    ///
    /// [`CallError`] tells whether the server may have processed the request.
    pub async fn call<R: Request>(
        &self,
        address: &str,
        header: R,
        body: Bytes,
        limit: Duration,
    ) -> Result<Reply<R::Reply>, CallError> {
        let nobody = || {};
        self.call_noting(address, header, body, limit, &nobody)
            .await
    }

    /// As [`call`](Self::call); calls `on_its_way` as soon as no later request can reach the server
    /// before this one.
    pub(crate) async fn call_noting<R: Request>(
        &self,
        address: &str,
        header: R,
        body: Bytes,
        limit: Duration,
        on_its_way: &(dyn Fn() + Sync),
    ) -> Result<Reply<R::Reply>, CallError> {
        if let Some(link) = self.0.local(address)? {
            // The first poll of the call below hands the request to its processor.
            on_its_way();
            return link.call(header, body, limit).await;
        }
        let command = peer::command(Head::request(R::CODE, 0), &header, body);
        self.check(&command)?;
        let mut stage = Stage::Connecting;
        let exchange = async {
            let asked = self.ask(address, command.clone(), &mut stage, on_its_way);
            let (waiting, peer) = asked.await?;
            let answer = waiting.await.map_err(|_dropped| closed(address))?;
            if answer.head.code != ResponseCode::GO_AWAY.0 {
                return Ok(answer);
            }
            self.0.leave(address, &peer);
            let again = self.ask(address, command, &mut stage, on_its_way);
            let (waiting, _) = again.await?;
            waiting.await.map_err(|_dropped| closed(address))
        };
        let answer = match self.0.clock.timeout(limit, exchange).await {
            Ok(answer) => answer?,
            Err(_elapsed) => {
                stage.close_if_silent(limit);
                return Err(timeout_error(address, &stage, limit));
            }
        };
        peer::typed_answer::<R>(answer)
    }

    /// Sends a one-way request to the server at `address`. `Ok` means that the connection took it,
    /// not that it arrived.
    ///
    /// # Errors
    ///
    /// [`CallError`] when no connection takes the request within the connect timeout.
    pub async fn one_way<R: Request>(
        &self,
        address: &str,
        header: R,
        body: Bytes,
    ) -> Result<(), CallError> {
        if let Some(link) = self.0.local(address)? {
            link.one_way(header, body).await;
            return Ok(());
        }
        let command = peer::command(Head::request(R::CODE, 0).one_way(), &header, body);
        self.check(&command)?;
        let mut stage = Stage::Connecting;
        let limit = self.0.config.connect_timeout;
        let delivery = self.tell(address, command, &mut stage);
        match self.0.clock.timeout(limit, delivery).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => Err(timeout_error(address, &stage, limit)),
        }
    }

    /// The connection with `address` that is open now, so that a caller can tell whether it is still the
    /// one over which the server heard something.
    pub fn connection(&self, address: &str) -> Option<PeerId> {
        self.0.open_with(address)
    }

    /// Closes the connection with `address`; the next request makes a new one.
    pub fn disconnect(&self, address: &str) {
        self.0.disconnect(address);
    }

    /// Refuses a frame that is too long, because the peer would close the connection over it.
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

    /// Hands the request to the connection and calls `on_its_way`; the answer will come out of the
    /// channel, from this peer.
    async fn ask(
        &self,
        address: &str,
        command: RemotingCommand,
        stage: &mut Stage,
        on_its_way: &(dyn Fn() + Sync),
    ) -> Result<(oneshot::Receiver<RemotingCommand>, Peer), CallError> {
        let (answer, waiting) = oneshot::channel();
        let mut outgoing = Outgoing {
            command,
            answer: Some(answer),
        };
        // A connection that closed before it took the request has not sent it: try once more on a
        // new one.
        for _ in 0..2 {
            let mut way = self.0.way(address);
            *stage = Stage::of(&way);
            match way.deliver(outgoing).await {
                Ok(()) => {
                    on_its_way();
                    let peer = way.opened(address).await?;
                    *stage = Stage::sent(&peer);
                    return Ok((waiting, peer));
                }
                Err(back) => {
                    way.opened(address).await?;
                    outgoing = back;
                }
            }
        }
        Err(closed(address))
    }

    /// Hands a request without an answer to the connection, which has to be open: nobody could take
    /// it back.
    async fn tell(
        &self,
        address: &str,
        command: RemotingCommand,
        stage: &mut Stage,
    ) -> Result<(), CallError> {
        let mut outgoing = Outgoing {
            command,
            answer: None,
        };
        for _ in 0..2 {
            let mut way = self.0.way(address);
            *stage = Stage::Connecting;
            way.opened(address).await?;
            *stage = Stage::Queued;
            match way.deliver(outgoing).await {
                Ok(()) => return Ok(()),
                Err(back) => outgoing = back,
            }
        }
        Err(closed(address))
    }
}

impl Stage {
    fn of(way: &Way) -> Self {
        if way.is_open() {
            Self::Queued
        } else {
            Self::Connecting
        }
    }

    fn sent(to: &Peer) -> Self {
        let heard = to.heard();
        let to = to.clone();
        Self::Sent { to, heard }
    }

    fn close_if_silent(&self, waited: Duration) {
        if let Self::Sent { to, heard } = self
            && waited >= CLOSE_AFTER_SILENT_CALL
            && to.heard() == *heard
        {
            tracing::debug!(peer = ?to, "connection closed: the server sent nothing for {waited:?}");
            to.close();
        }
    }
}

impl fmt::Debug for RemotingClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn timeout_error(address: &str, stage: &Stage, limit: Duration) -> CallError {
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
