//! Requests from the peer. Reads are mostly answered at their first poll. Sends wait for their second
//! one, at the end of the turn in which the connection took its input, so that all sends of that turn
//! are written together. What is pending then (waiting for a sync, a long poll) stays in flight without
//! blocking later requests.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::Stream;
use futures_util::stream::FuturesUnordered;

use super::answering::Answering;
use super::config::Limits;
use super::output::Output;
use super::peer::Peer;
use super::router::Router;
use crate::wire::RemotingCommand;

/// The requests from the peer that are in flight.
pub(super) struct Requests {
    router: Arc<Router>,
    peer: Peer,
    /// Begun in this turn.
    begun: VecDeque<InFlight>,
    /// Pending at the end of the turn in which they were begun.
    in_flight: FuturesUnordered<InFlight>,
    bytes: usize,
}

/// A request whose processor has not yet answered.
struct InFlight {
    answering: Pin<Box<dyn Answering>>,
    bytes: usize,
}

impl Requests {
    pub(super) fn new(router: Arc<Router>, peer: Peer) -> Self {
        Self {
            router,
            peer,
            begun: VecDeque::new(),
            in_flight: FuturesUnordered::new(),
            bytes: 0,
        }
    }

    /// Begins a request whose frame had `bytes`. Its response is in `out` if the first poll brings it.
    pub(super) fn begin(&mut self, command: RemotingCommand, bytes: usize, out: &mut Output) {
        let mut answering = self.router.frame(command, &self.peer);
        // Nothing wakes it: what is pending is polled again in any case, when all the input was taken.
        let mut unwoken = Context::from_waker(Waker::noop());
        if answering
            .as_mut()
            .poll_answer(&mut unwoken, out)
            .is_pending()
        {
            // Its state is most of what a short request takes.
            let bytes = bytes + size_of_val(&*answering);
            self.bytes += bytes;
            self.begun.push_back(InFlight { answering, bytes });
        }
    }

    /// Completes the next request, in any order; its response is in `out`. Also pending when no request
    /// is in flight.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, out: &mut Output) -> Poll<()> {
        while let Some(mut begun) = self.begun.pop_front() {
            if begun.answering.as_mut().poll_answer(cx, out).is_ready() {
                self.bytes -= begun.bytes;
                return Poll::Ready(());
            }
            self.in_flight.push(begun);
        }
        if self.in_flight.is_empty() {
            return Poll::Pending;
        }
        match Pin::new(&mut self.in_flight).poll_next(cx) {
            Poll::Ready(Some((answer, bytes))) => {
                self.bytes -= bytes;
                out.append(answer);
                Poll::Ready(())
            }
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        self.begun.len() + self.in_flight.len()
    }

    /// Whether the limits of requests in flight are reached, so that nothing more is read.
    pub(super) fn is_full(&self, limits: &Limits) -> bool {
        self.len() >= limits.in_flight || self.bytes >= limits.in_flight_bytes
    }
}

impl Future for InFlight {
    type Output = (Output, usize);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (bytes, mut answer) = (self.bytes, Output::default());
        let polled = self.answering.as_mut().poll_answer(cx, &mut answer);
        polled.map(|()| (answer, bytes))
    }
}
