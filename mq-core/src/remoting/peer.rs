//! The other end of a connection, through which this side sends requests of its own.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::error::CallError;
use crate::clock::Clock;
use crate::wire::{Fields, Head, Header, RemotingCommand, Reply, Request, ResponseCode};

/// Identifies a connection of one server (or one client); two connections from one address have
/// different ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId(pub u64);

/// The other end of a connection. Clones are the same peer.
///
/// Requests to it go through a bounded queue. When the queue is full, because the peer does not
/// read, [`notify`](Self::notify) and [`call`](Self::call) fail at once with [`CallError::Busy`].
#[derive(Clone)]
pub struct Peer(Arc<PeerShared>);

struct PeerShared {
    id: PeerId,
    address: SocketAddr,
    /// Boxed, because the channel allocates room for 32 items even while it is empty.
    outbox: mpsc::Sender<Box<Outgoing>>,
    closed: CancellationToken,
    /// The number of reads that brought bytes from the peer.
    heard: AtomicU64,
    clock: Clock,
}

/// Is notified when a connection ends. `()` ignores it.
pub trait PeerWatcher: Send + Sync + 'static {
    /// The connection with `peer` has ended. Called exactly once for each connection.
    fn closed(&self, peer: &Peer);
}

impl PeerWatcher for () {
    fn closed(&self, _peer: &Peer) {}
}

/// A request to the peer, and the caller that waits for the response.
///
/// The task that owns the connection chooses the opaque number and the encoding.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// The request.
    pub(super) command: RemotingCommand,
    /// The channel of the waiting caller; `None` for a one-way request.
    pub(super) answer: Option<oneshot::Sender<RemotingCommand>>,
}

impl Peer {
    /// The peer at `address`, and the queue from which the connection's task takes the requests to
    /// it; it holds at most `capacity`.
    pub(crate) fn new(
        id: PeerId,
        address: SocketAddr,
        capacity: usize,
        clock: Clock,
    ) -> (Self, mpsc::Receiver<Box<Outgoing>>) {
        let (outbox, outgoing) = mpsc::channel(capacity);
        (Self::with_outbox(id, address, outbox, clock), outgoing)
    }

    /// The peer at `address`; what is put into `outbox` is sent to it.
    pub(super) fn with_outbox(
        id: PeerId,
        address: SocketAddr,
        outbox: mpsc::Sender<Box<Outgoing>>,
        clock: Clock,
    ) -> Self {
        Self(Arc::new(PeerShared {
            id,
            address,
            outbox,
            closed: CancellationToken::new(),
            heard: AtomicU64::new(0),
            clock,
        }))
    }

    /// The id of the connection.
    pub fn id(&self) -> PeerId {
        self.0.id
    }

    /// The peer's address.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.0.closed.is_cancelled()
    }

    /// Resolves when the connection ends.
    pub async fn closed(&self) {
        self.0.closed.cancelled().await;
    }

    /// Closes the connection.
    pub fn close(&self) {
        self.0.closed.cancel();
    }

    /// Sends a one-way request, without waiting.
    ///
    /// # Errors
    ///
    /// [`CallError::Closed`] or [`CallError::Busy`].
    pub fn notify<R: Request>(&self, header: &R, body: Bytes) -> Result<(), CallError> {
        let head = Head::request(R::CODE, 0).one_way();
        self.post(Outgoing {
            command: command(head, header, body),
            answer: None,
        })
    }

    /// Sends a request and waits for the response, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`CallError`]: not sent, no response, or refused.
    pub async fn call<R: Request>(
        &self,
        header: &R,
        body: Bytes,
        limit: Duration,
    ) -> Result<Reply<R::Reply>, CallError> {
        let (answer, waiting) = oneshot::channel();
        let head = Head::request(R::CODE, 0);
        self.post(Outgoing {
            command: command(head, header, body),
            answer: Some(answer),
        })?;
        let address = || self.0.address.to_string();
        match self.0.clock.timeout(limit, waiting).await {
            Ok(Ok(answer)) => typed_answer::<R>(answer),
            Ok(Err(_dropped)) => Err(CallError::Closed { address: address() }),
            Err(_elapsed) => Err(CallError::Timeout {
                address: address(),
                limit,
            }),
        }
    }

    /// Bytes came from the peer.
    pub(super) fn hear(&self) {
        self.0.heard.fetch_add(1, Ordering::Relaxed);
    }

    /// A counter that changes whenever bytes come from the peer.
    pub(super) fn heard(&self) -> u64 {
        self.0.heard.load(Ordering::Relaxed)
    }

    pub(super) fn post(&self, outgoing: Outgoing) -> Result<(), CallError> {
        let address = || self.0.address.to_string();
        if self.is_closed() {
            return Err(CallError::Closed { address: address() });
        }
        self.0
            .outbox
            .try_send(Box::new(outgoing))
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => CallError::Busy { address: address() },
                mpsc::error::TrySendError::Closed(_) => CallError::Closed { address: address() },
            })
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "peer {} at {}", self.0.id.0, self.0.address)
    }
}

/// The request with the fields of `header`.
pub(super) fn command(head: Head, header: &impl Header, body: Bytes) -> RemotingCommand {
    RemotingCommand {
        encoding: crate::wire::Encoding::Json,
        head,
        fields: Fields::of(header),
        body,
    }
}

/// The reply that `answer` carries.
///
/// # Errors
///
/// [`CallError::Refused`] for a code the request does not accept, [`CallError::Answer`] for fields
/// that cannot be read.
pub(super) fn typed_answer<R: Request>(
    answer: RemotingCommand,
) -> Result<Reply<R::Reply>, CallError> {
    let code = ResponseCode(answer.head.code);
    let remark = answer.head.remark;
    if !R::ACCEPTS.contains(&code) {
        let remark = remark.unwrap_or_default();
        return Err(CallError::Refused(crate::wire::Refusal { code, remark }));
    }
    let header = R::Reply::read(&answer.fields).map_err(CallError::Answer)?;
    Ok(Reply {
        code,
        remark,
        header,
        body: answer.body,
    })
}
