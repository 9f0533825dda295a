//! The way around the socket: a server in the same process.
//!
//! A request crosses as a typed value, its body as `Bytes`; nothing is encoded. What the server says
//! unasked (40, 39, 220 …) reaches the client's router through a bridge, as frames would.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::connection::decode_encoded;
use super::{CallError, Incoming, Limits, Outgoing, Peer, PeerId, PeerWatcher, Router};
use crate::clock::Clock;
use crate::tasks::Tasks;
use crate::wire::{Fields, Language, Reply, Request, VERSION};

/// Numbers of local peers begin here, above those of any socket of the same server.
const FIRST_LOCAL_ID: u64 = 1 << 63;

/// A server that clients in the same process reach without a socket. Clones are the same server.
#[derive(Clone)]
pub struct LocalServer(Arc<Inner>);

struct Inner {
    router: Arc<Router>,
    watcher: Arc<dyn PeerWatcher>,
    /// What clients are seen as coming from.
    address: SocketAddr,
    next_id: AtomicU64,
    clock: Clock,
}

impl LocalServer {
    /// Answers with `router`; `watcher` learns who has gone; clients are seen at `address`.
    pub fn new(
        router: Arc<Router>,
        watcher: Arc<dyn PeerWatcher>,
        address: SocketAddr,
        clock: Clock,
    ) -> Self {
        let next_id = AtomicU64::new(FIRST_LOCAL_ID);
        Self(Arc::new(Inner {
            router,
            watcher,
            address,
            next_id,
            clock,
        }))
    }

    /// Connects a client that answers the server's own requests with `incoming`.
    pub(super) fn connect(&self, incoming: Arc<Router>, tasks: &Tasks) -> LocalLink {
        let server = &self.0;
        let id = PeerId(server.next_id.fetch_add(1, Ordering::Relaxed));
        let outbox = Limits::default().outbox;
        let (client, to_client) = Peer::new(id, server.address, outbox, server.clock.clone());
        let (itself, to_server) = Peer::new(id, server.address, outbox, server.clock.clone());
        let (gone, watcher) = (client.clone(), Arc::clone(&server.watcher));
        let seen_by_client = itself.clone();
        tasks.spawn_until_stop("pushes within the process", async move {
            bridge(to_client, &incoming, &seen_by_client).await;
        });
        let (router, seen_by_server) = (Arc::clone(&server.router), client.clone());
        tasks.spawn_until_stop("requests within the process", async move {
            bridge(to_server, &router, &seen_by_server).await;
        });
        let stopping = tasks.clone();
        tasks.spawn("end of a local connection", async move {
            tokio::select! {
                () = gone.closed() => {}
                () = stopping.stopping() => gone.close(),
            }
            itself.close();
            watcher.closed(&gone);
        });
        LocalLink {
            server: self.clone(),
            client,
        }
    }
}

impl fmt::Debug for LocalServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalServer").field(&self.0.router).finish()
    }
}

/// A client's connection to a server in its process.
#[derive(Clone, Debug)]
pub(super) struct LocalLink {
    server: LocalServer,
    /// The client as the server sees it.
    client: Peer,
}

impl LocalLink {
    pub(super) async fn call<R: Request>(
        &self,
        header: R,
        body: Bytes,
        limit: Duration,
    ) -> Result<Reply<R::Reply>, CallError> {
        let address = || self.server.0.address.to_string();
        if self.client.is_closed() {
            return Err(CallError::Closed { address: address() });
        }
        let request = self.incoming(header, body, false);
        let answer = self.server.0.router.call(request);
        match self.server.0.clock.timeout(limit, answer).await {
            Ok(Ok(reply)) if R::ACCEPTS.contains(&reply.code) => Ok(reply),
            Ok(Ok(reply)) => {
                let remark = reply.remark.unwrap_or_default();
                Err(CallError::Refused(crate::wire::Refusal {
                    code: reply.code,
                    remark,
                }))
            }
            Ok(Err(refusal)) => Err(CallError::Refused(refusal)),
            Err(_elapsed) => Err(CallError::Timeout {
                address: address(),
                limit,
            }),
        }
    }

    pub(super) async fn one_way<R: Request>(&self, header: R, body: Bytes) {
        let request = self.incoming(header, body, true);
        if let Err(refusal) = self.server.0.router.call(request).await {
            tracing::debug!(code = ?R::CODE, %refusal, "a one-way request was refused");
        }
    }

    pub(super) fn close(&self) {
        self.client.close();
    }

    fn incoming<R: Request>(&self, header: R, body: Bytes, one_way: bool) -> Incoming<R> {
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
}

/// Hands requests to `router` as if they had come in frames from `from`.
async fn bridge(mut requests: mpsc::Receiver<Outgoing>, router: &Router, from: &Peer) {
    while let Some(Outgoing { command, answer }) = requests.recv().await {
        let code = command.head.code;
        let Some(encoded) = router.frame(command, from).await else {
            continue;
        };
        match (decode_encoded(encoded), answer) {
            (Ok(command), Some(answer)) => drop(answer.send(command)),
            (Ok(_), None) => {}
            (Err(error), _) => tracing::error!(code, %error, "an answer could not be read"),
        }
    }
}
