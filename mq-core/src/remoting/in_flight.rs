//! Requests of the peer whose answer takes longer than a turn: a flush, a long poll.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;

use super::config::Limits;
use super::router::Encoded;

/// The requests that are not answered yet.
#[derive(Default)]
pub(super) struct InFlight {
    requests: FuturesUnordered<InFlightRequest>,
    bytes: usize,
}

struct InFlightRequest {
    future: BoxFuture<'static, Option<Encoded>>,
    bytes: usize,
}

impl InFlight {
    /// Adds the future of a request that takes `bytes` of memory; it has been polled and waits.
    pub(super) fn push(&mut self, future: BoxFuture<'static, Option<Encoded>>, bytes: usize) {
        self.bytes += bytes;
        self.requests.push(InFlightRequest { future, bytes });
    }

    /// The outcome of a request that is done, in whatever order: an answer, or `None` when none is
    /// wanted. Pending also when there is no request.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Encoded>> {
        if self.is_empty() {
            return Poll::Pending;
        }
        match Pin::new(&mut self.requests).poll_next(cx) {
            Poll::Ready(Some((answer, bytes))) => {
                self.bytes -= bytes;
                Poll::Ready(answer)
            }
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// The peer has to wait for answers before more is read from it.
    pub(super) fn is_full(&self, limits: &Limits) -> bool {
        self.requests.len() >= limits.in_flight || self.bytes >= limits.in_flight_bytes
    }
}

impl Future for InFlightRequest {
    type Output = (Option<Encoded>, usize);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let bytes = self.bytes;
        self.future.as_mut().poll(cx).map(|answer| (answer, bytes))
    }
}
