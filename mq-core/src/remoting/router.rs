//! Which processor answers which code. Each row has two doors: a frame, and a typed value for
//! callers in the same process.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::peer::{Peer, PeerId};
use super::processor::{Incoming, Processor};
use super::unanswered::Unanswered;
use crate::wire::{
    self, Encoding, Head, Header, NoFields, Refusal, RemotingCommand, Reply, Request, RequestCode,
    ResponseCode, frame,
};

/// An answer ready to be written: the frame up to its body, and the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Encoded {
    /// Lengths and header.
    pub(super) head: BytesMut,
    /// The body, not copied.
    pub(super) body: Bytes,
}

/// Which processor answers which code.
#[derive(Default)]
pub struct Router {
    rows: HashMap<i32, Box<dyn Row>>,
    unanswered: Arc<Unanswered>,
    peers: AtomicU64,
}

impl Router {
    /// `R` is answered by `processor`.
    #[must_use]
    pub fn on<R: Request>(mut self, processor: impl Processor<R>) -> Self {
        let row = TypedRow {
            processor: Arc::new(processor),
            request: PhantomData::<fn(R)>,
        };
        self.rows.insert(R::CODE.0, Box::new(row));
        self
    }

    /// Requests without a row are counted in `unanswered`.
    #[must_use]
    pub fn counting(mut self, unanswered: &Arc<Unanswered>) -> Self {
        self.unanswered = Arc::clone(unanswered);
        self
    }

    /// The rows of both.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.rows.extend(other.rows);
        self
    }

    /// The codes that are answered, in order.
    pub fn codes(&self) -> Vec<RequestCode> {
        let mut codes: Vec<_> = self.rows.keys().copied().map(RequestCode).collect();
        codes.sort_unstable();
        codes
    }

    /// A number for a peer that nobody else has who reaches this router, over whatever transport.
    pub(super) fn next_peer(&self) -> PeerId {
        PeerId(self.peers.fetch_add(1, Ordering::Relaxed))
    }

    /// Answers a request that came in a frame, in the request's encoding; `None` when no answer is
    /// wanted. A code without a row is refused at once with code 3, as Apache's programs do.
    pub(super) fn frame(
        &self,
        command: RemotingCommand,
        peer: &Peer,
    ) -> BoxFuture<'static, Option<Encoded>> {
        if let Some(row) = self.rows.get(&command.head.code) {
            return row.frame(command, peer.clone());
        }
        self.unanswered.note(RequestCode(command.head.code), peer);
        let answer = encode_refusal(&Address::of(&command), unknown(command.head.code));
        std::future::ready(answer).boxed()
    }

    /// Answers a typed request from the same process, without any encoding.
    ///
    /// # Errors
    ///
    /// [`Refusal`] as the processor gave it, or code 3 when nobody answers `R`.
    pub(super) async fn call<R: Request>(
        &self,
        request: Incoming<R>,
    ) -> Result<Reply<R::Reply>, Refusal> {
        let Some(row) = self.rows.get(&R::CODE.0) else {
            self.unanswered.note(R::CODE, &request.peer);
            return Err(unknown(R::CODE.0));
        };
        let outcome = row.typed(Box::new(request)).await;
        match outcome.downcast::<Result<Reply<R::Reply>, Refusal>>() {
            Ok(outcome) => *outcome,
            Err(_other) => Err(unknown(R::CODE.0)),
        }
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.codes()).finish()
    }
}

fn unknown(code: i32) -> Refusal {
    let remark = format!("request type {code} not supported");
    Refusal::new(ResponseCode::REQUEST_CODE_NOT_SUPPORTED, remark)
}

/// A row without its types.
trait Row: Send + Sync {
    fn frame(&self, command: RemotingCommand, peer: Peer) -> BoxFuture<'static, Option<Encoded>>;

    /// Takes an `Incoming<R>` and gives a `Result<Reply<R::Reply>, Refusal>`.
    fn typed(&self, request: Box<dyn Any + Send>) -> BoxFuture<'static, Box<dyn Any + Send>>;
}

struct TypedRow<R, P> {
    processor: Arc<P>,
    request: PhantomData<fn(R)>,
}

impl<R: Request, P: Processor<R>> Row for TypedRow<R, P> {
    fn frame(&self, command: RemotingCommand, peer: Peer) -> BoxFuture<'static, Option<Encoded>> {
        let processor = Arc::clone(&self.processor);
        async move {
            let address = Address::of(&command);
            let request = match R::read(&command.fields) {
                Ok(header) => Incoming {
                    header,
                    body: command.body,
                    peer,
                    version: command.head.version,
                    language: command.head.language,
                    one_way: address.one_way,
                    fields: command.fields,
                },
                Err(error) => return encode_refusal(&address, error.into()),
            };
            match guarded(&*processor, request).await {
                Ok(reply) => {
                    let head = Head::answer(reply.code, address.opaque, reply.remark);
                    encode(&address, &head, &reply.header, reply.body)
                }
                Err(refusal) => encode_refusal(&address, refusal),
            }
        }
        .boxed()
    }

    fn typed(&self, request: Box<dyn Any + Send>) -> BoxFuture<'static, Box<dyn Any + Send>> {
        let processor = Arc::clone(&self.processor);
        async move {
            let outcome = match request.downcast::<Incoming<R>>() {
                Ok(request) => guarded(&*processor, *request).await,
                Err(_other) => Err(unknown(R::CODE.0)),
            };
            Box::new(outcome) as Box<dyn Any + Send>
        }
        .boxed()
    }
}

/// Runs the processor; a panic in it is answered as a system error and costs nobody else anything.
async fn guarded<R: Request, P: Processor<R>>(
    processor: &P,
    request: Incoming<R>,
) -> Result<Reply<R::Reply>, Refusal> {
    let outcome = AssertUnwindSafe(async { processor.process(request).await })
        .catch_unwind()
        .await;
    outcome.unwrap_or_else(|_panic| {
        tracing::error!(code = ?R::CODE, "the processor panicked");
        Err(Refusal::system("the request could not be processed"))
    })
}

/// Where an answer goes.
struct Address {
    encoding: Encoding,
    opaque: i32,
    one_way: bool,
}

impl Address {
    fn of(command: &RemotingCommand) -> Self {
        Self {
            encoding: command.encoding,
            opaque: command.head.opaque,
            one_way: command.head.is_one_way(),
        }
    }
}

fn encode_refusal(address: &Address, refusal: Refusal) -> Option<Encoded> {
    let head = Head::answer(refusal.code, address.opaque, Some(refusal.remark));
    encode(address, &head, &NoFields, Bytes::new())
}

fn encode(address: &Address, head: &Head, header: &impl Header, body: Bytes) -> Option<Encoded> {
    if address.one_way {
        return None;
    }
    let mut out = BytesMut::with_capacity(256);
    match wire::encode_without_body(&mut out, address.encoding, head, header, body.len()) {
        // The peer would close the connection over it.
        Ok(()) if out.len() + body.len() > frame::DEFAULT_LIMIT => encode_refusal(
            address,
            Refusal::system("the answer is too long for a frame"),
        ),
        Ok(()) => Some(Encoded { head: out, body }),
        Err(error) => encode_refusal(address, Refusal::system(error.to_string())),
    }
}
