//! A server in the same process: typed requests go straight to its router, without a socket and
//! without encoding. Requests from the server reach the client's router as they would in a frame.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;

use super::error::CallError;
use super::output::Output;
use super::peer::PeerWatcher;
use super::peer::{Outgoing, Peer, PeerId};
use super::processor::Incoming;
use super::router::Router;
use crate::clock::Clock;
use crate::tasks::Tasks;
use crate::wire::{
    Fields, Header, Language, Refusal, RemotingCommand, Reply, Request, VERSION, frame,
};

/// A server that clients in the same process reach without a socket. Clones are the same server.
#[derive(Clone)]
pub struct LocalServer(Arc<LocalParts>);

struct LocalParts {
    router: Arc<Router>,
    watcher: Arc<dyn PeerWatcher>,
    /// The address that both sides see as their peer's.
    address: SocketAddr,
    tasks: Tasks,
    clock: Clock,
}

impl LocalServer {
    /// `router` answers requests and `watcher` is notified of closed links, until the owner of
    /// `tasks` stops. Clients appear to come from `address`.
    pub fn new(
        router: Arc<Router>,
        watcher: Arc<dyn PeerWatcher>,
        address: SocketAddr,
        tasks: &Tasks,
        clock: Clock,
    ) -> Self {
        let tasks = tasks.clone();
        Self(Arc::new(LocalParts {
            router,
            watcher,
            address,
            tasks,
            clock,
        }))
    }

    /// Links a client to this server, which sees it as a new peer.
    pub(super) fn connect(
        &self,
        address: &str,
        incoming: Arc<Router>,
        outbox: usize,
        tasks: &Tasks,
    ) -> Result<LocalLink, CallError> {
        let its = &*self.0;
        if its.tasks.is_stopping() || tasks.is_stopping() {
            return Err(CallError::Connect {
                address: address.to_owned(),
                source: io::ErrorKind::ConnectionRefused.into(),
            });
        }
        let here = its.address;
        let clock = || its.clock.clone();
        let (client, to_client) = Peer::new(its.router.next_peer(), here, outbox, clock());
        let (server, to_server) = Peer::new(incoming.next_peer(), here, outbox, clock());
        let link = LocalLink {
            server: self.clone(),
            client: client.clone(),
            address: address.to_owned(),
        };
        let (router, watcher) = (Arc::clone(&its.router), Arc::clone(&its.watcher));
        let theirs = its.tasks.clone();
        let ours = tasks.clone();
        tasks.spawn("connection within the process", async move {
            tokio::select! {
                () = client.closed() => {}
                () = ours.stopping() => {}
                () = theirs.stopping() => {}
                () = serve_link(to_client, &incoming, &server) => {}
                () = serve_link(to_server, &router, &client) => {}
            }
            client.close();
            server.close();
            watcher.closed(&client);
        });
        Ok(link)
    }
}

impl fmt::Debug for LocalServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalServer")
            .field("codes", &self.0.router.codes())
            .finish_non_exhaustive()
    }
}

/// A client's link to a server in the same process, in place of a connection.
pub(super) struct LocalLink {
    server: LocalServer,
    /// The client, as the server sees it.
    client: Peer,
    address: String,
}

impl LocalLink {
    pub(super) fn is_open(&self) -> bool {
        !self.client.is_closed()
    }

    /// What the server knows this link by.
    pub(super) fn id(&self) -> PeerId {
        self.client.id()
    }

    pub(super) fn close(&self) {
        self.client.close();
    }

    pub(super) async fn call<R: Request>(
        &self,
        header: R,
        body: Bytes,
        limit: Duration,
    ) -> Result<Reply<R::Reply>, CallError> {
        let request = self.request(header, body, false);
        let answer = self.unless_closed(self.server.0.router.call(request));
        match self.server.0.clock.timeout(limit, answer).await {
            Ok(Some(answer)) => as_over_a_socket::<R>(answer),
            Ok(None) => Err(CallError::Closed {
                address: self.address.clone(),
            }),
            Err(_elapsed) => Err(CallError::Timeout {
                address: self.address.clone(),
                limit,
            }),
        }
    }

    /// The processor is polled once here, so that one-way requests begin in order; if it is not
    /// done then, it goes on in a task of its own.
    pub(super) async fn one_way<R: Request>(self: Arc<Self>, header: R, body: Bytes) {
        let request = self.request(header, body, true);
        let tasks = self.server.0.tasks.clone();
        let mut outcome = Box::pin(async move {
            let answer = self.server.0.router.call(request);
            if let Some(Err(refusal)) = self.unless_closed(answer).await {
                tracing::debug!(%refusal, code = ?R::CODE, "a one-way request was refused");
            }
        });
        if poll_fn(|cx| Poll::Ready(outcome.as_mut().poll(cx)))
            .await
            .is_pending()
        {
            tasks.spawn("one-way request", outcome);
        }
    }

    fn request<R: Request>(&self, header: R, body: Bytes, one_way: bool) -> Incoming<R> {
        Incoming {
            header,
            body,
            peer: self.client.clone(),
            version: VERSION,
            language: Language::Rust,
            one_way,
            fields: Fields::default(),
        }
    }

    /// `None` when the link is closed first. Biased: an answer that is ready at the first poll does
    /// not register with the link.
    async fn unless_closed<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            answer = answer => Some(answer),
            () = self.client.closed() => None,
        }
    }
}

/// Gives the answer the same outcome as if it had come in a frame.
fn as_over_a_socket<R: Request>(
    answer: Result<Reply<R::Reply>, Refusal>,
) -> Result<Reply<R::Reply>, CallError> {
    match answer {
        Ok(reply) if R::ACCEPTS.contains(&reply.code) => Ok(reply),
        Ok(reply) => Err(CallError::Refused(Refusal {
            code: reply.code,
            remark: reply.remark.unwrap_or_default(),
        })),
        Err(refusal) if R::ACCEPTS.contains(&refusal.code) => {
            let header = R::Reply::read(&Fields::default()).map_err(CallError::Answer)?;
            let reply = Reply::ok(header).with_code(refusal.code);
            Ok(reply.with_remark(refusal.remark))
        }
        Err(refusal) => Err(CallError::Refused(refusal)),
    }
}

/// Has `router` answer the requests that come out of `outgoing`, as sent by `peer`.
async fn serve_link(mut outgoing: mpsc::Receiver<Box<Outgoing>>, router: &Router, peer: &Peer) {
    let mut running = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some(()) = running.next() => {}
            next = outgoing.recv() => match next {
                Some(outgoing) => running.push(answer(*outgoing, router, peer)),
                None => return,
            },
        }
    }
}

async fn answer(outgoing: Outgoing, router: &Router, peer: &Peer) {
    let mut answering = router.frame(outgoing.command, peer);
    let mut out = Output::default();
    poll_fn(|cx| answering.as_mut().poll_answer(cx, &mut out)).await;
    let mut bytes = out.into_bytes();
    let frame = frame::decode(&mut bytes, frame::DEFAULT_LIMIT);
    let answer = frame.and_then(|frame| frame.map(RemotingCommand::from_frame).transpose());
    match (answer, outgoing.answer) {
        (Ok(Some(answer)), Some(waiting)) => {
            if waiting.send(answer).is_err() {
                tracing::debug!("response dropped: its caller no longer waits");
            }
        }
        (Ok(_), _) => {}
        (Err(error), _) => {
            tracing::error!(%error, "response dropped: it does not fit into a frame");
        }
    }
}
