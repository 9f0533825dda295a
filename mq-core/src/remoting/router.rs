//! The table of processors by request code. A row takes requests in two forms: as a frame, and as a
//! typed value from callers in the same process.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, ready};
use std::marker::PhantomData;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either};
use parking_lot::Mutex;

use super::answering::{Answer, AnswerTo, Answering};
use super::peer::{Peer, PeerId};
use super::processor::{Incoming, Processor};
use super::unanswered::Unanswered;
use crate::log_once::{LogDecision, LogOnce};
use crate::wire::{NoFields, Refusal, RemotingCommand, Reply, Request, RequestCode, ResponseCode};

/// The table of processors by request code.
#[derive(Default)]
pub struct Router {
    rows: BTreeMap<i32, Box<dyn Row>>,
    unanswered: Arc<Unanswered>,
    peers: AtomicU64,
    /// The hosts that sent what is no frame, as far as the log told of them: a health check does so every
    /// few seconds.
    strangers: Mutex<LogOnce<IpAddr>>,
}

impl Router {
    /// Adds a row: `processor` answers `R`.
    #[must_use]
    pub fn on<R: Request>(mut self, processor: impl Processor<R>) -> Self {
        let row = TypedRow {
            processor: Arc::new(processor),
            request: PhantomData::<fn(R)>,
        };
        self.rows.insert(R::CODE.0, Box::new(row));
        self
    }

    /// Counts requests without a row in `unanswered`.
    #[must_use]
    pub fn counting(mut self, unanswered: &Arc<Unanswered>) -> Self {
        self.unanswered = Arc::clone(unanswered);
        self
    }

    /// Adds the rows of `other`.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.rows.extend(other.rows);
        self
    }

    /// The codes that have a row, sorted.
    pub fn codes(&self) -> Vec<RequestCode> {
        self.rows.keys().copied().map(RequestCode).collect()
    }

    /// A peer id that is unique among all peers of this router, over every transport.
    pub(super) fn next_peer(&self) -> PeerId {
        PeerId(self.peers.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether the log should tell that a peer sent what is no frame: once for each host.
    pub(super) fn is_told_of(&self, peer: &Peer) -> bool {
        let host = peer.address().ip().to_canonical();
        self.strangers.lock().decide(host) != LogDecision::Skip
    }

    /// Answers a request that came in a frame. A code without a row is refused with code 3, as by
    /// Apache's programs.
    pub(super) fn frame(&self, command: RemotingCommand, peer: &Peer) -> Pin<Box<dyn Answering>> {
        if let Some(row) = self.rows.get(&command.head.code) {
            return row.frame(command, peer.clone());
        }
        self.unanswered.note(RequestCode(command.head.code), peer);
        let refused: Result<Reply<NoFields>, _> = Err(unknown(command.head.code));
        Box::pin(Answer::new(AnswerTo::of(&command), ready(refused)))
    }

    /// Answers a typed request from the same process, without any encoding.
    ///
    /// # Errors
    ///
    /// The processor's [`Refusal`], or code 3 when `R` has no row.
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

/// A row with its types erased.
trait Row: Send + Sync {
    fn frame(&self, command: RemotingCommand, peer: Peer) -> Pin<Box<dyn Answering>>;

    /// Takes an `Incoming<R>` and gives a `Result<Reply<R::Reply>, Refusal>`.
    fn typed(&self, request: Box<dyn Any + Send>) -> BoxFuture<'static, Box<dyn Any + Send>>;
}

struct TypedRow<R, P> {
    processor: Arc<P>,
    request: PhantomData<fn(R)>,
}

impl<R: Request, P: Processor<R>> Row for TypedRow<R, P> {
    fn frame(&self, command: RemotingCommand, peer: Peer) -> Pin<Box<dyn Answering>> {
        let processor = Arc::clone(&self.processor);
        let to = AnswerTo::of(&command);
        let processing = async move {
            let request = Incoming {
                header: R::read(&command.fields)?,
                body: command.body,
                peer,
                version: command.head.version,
                language: command.head.language,
                one_way: command.head.is_one_way(),
                fields: command.fields,
            };
            guarded(&*processor, request).await
        };
        Box::pin(Answer::new(to, processing))
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

/// Runs the processor; a panic becomes a system error for this request and leaves the connection
/// alone. Nothing here is async, because such states hold what they await twice.
fn guarded<R: Request, P: Processor<R>>(
    processor: &P,
    request: Incoming<R>,
) -> impl Future<Output = Result<Reply<R::Reply>, Refusal>> + Send {
    let outcome = match catch_unwind(AssertUnwindSafe(|| processor.process(request))) {
        Ok(processing) => Either::Left(AssertUnwindSafe(processing).catch_unwind()),
        Err(panic) => Either::Right(ready(Err(panic))),
    };
    outcome.map(|outcome| {
        outcome.unwrap_or_else(|_panic| {
            tracing::error!(code = ?R::CODE, "a processor panicked: the request is refused with a system error");
            Err(Refusal::system("the request could not be processed"))
        })
    })
}
