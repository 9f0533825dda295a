//! Requests of the peer. Most are answered at their first poll; the others (a flush, a long poll)
//! wait beside.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;

use super::config::Limits;
use super::peer::Peer;
use super::router::{Encoded, Router};
use crate::wire::RemotingCommand;

/// Memory that a request takes beside its bytes.
const BYTES_BESIDE_FRAME: usize = 512;

/// Answers what the peer asks.
pub(super) struct Requests {
    router: Arc<Router>,
    peer: Peer,
    under_way: FuturesUnordered<UnderWay>,
    bytes: usize,
}

/// A request that waits for its answer.
struct UnderWay {
    future: BoxFuture<'static, Option<Encoded>>,
    bytes: usize,
}

impl Requests {
    pub(super) fn new(router: Arc<Router>, peer: Peer) -> Self {
        Self {
            router,
            peer,
            under_way: FuturesUnordered::new(),
            bytes: 0,
        }
    }

    /// Begins with a request whose frame had `bytes`; the answer, when it is there at once.
    pub(super) fn begin(
        &mut self,
        command: RemotingCommand,
        bytes: usize,
        cx: &mut Context<'_>,
    ) -> Option<Encoded> {
        let mut future = self.router.frame(command, &self.peer);
        match future.as_mut().poll(cx) {
            Poll::Ready(answer) => answer,
            Poll::Pending => {
                let bytes = BYTES_BESIDE_FRAME + bytes;
                self.bytes += bytes;
                self.under_way.push(UnderWay { future, bytes });
                None
            }
        }
    }

    /// The outcome of a request that waited, in whatever order: an answer, or `None` when none is
    /// wanted. Pending also when there is no request.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Encoded>> {
        if self.is_empty() {
            return Poll::Pending;
        }
        match Pin::new(&mut self.under_way).poll_next(cx) {
            Poll::Ready(Some((answer, bytes))) => {
                self.bytes -= bytes;
                Poll::Ready(answer)
            }
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// The peer has to wait for answers before more is read from it.
    pub(super) fn is_full(&self, limits: &Limits) -> bool {
        self.under_way.len() >= limits.in_flight || self.bytes >= limits.in_flight_bytes
    }
}

impl Future for UnderWay {
    type Output = (Option<Encoded>, usize);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let bytes = self.bytes;
        self.future.as_mut().poll(cx).map(|answer| (answer, bytes))
    }
}
