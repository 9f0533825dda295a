//! One connection, owned by one task.
//!
//! One turn sends the queued requests to the peer, reads and begins every request that has arrived,
//! collects every response that is ready, and writes once. A request is first polled in place: most
//! are answered in the same turn; the others (waiting for a flush, a long poll) stay in flight and
//! block nothing.
//!
//! [`Calls`] own the requests from this side, [`Requests`] those from the peer; [`Phase`] says
//! whether the connection is open or how it is being shut down.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use super::calls::Calls;
use super::config::Limits;
use super::ending::{CloseNotice, End, Phase};
use super::input::Input;
use super::output::Output;
use super::peer::{Outgoing, Peer, PeerWatcher};
use super::requests::Requests;
use super::router::Router;
use super::signals::{Signal, Signals};
use super::timeouts::Timeouts;
use super::turn::Turn;
use crate::clock::{Clock, Moment};
use crate::tasks::Tasks;
use crate::wire::{Encoding, RemotingCommand};

/// How long requests in flight may take after the owner stops or the peer has hung up.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(500);

/// What a connection needs besides its stream.
pub(super) struct Link {
    pub(super) peer: Peer,
    pub(super) outgoing: mpsc::Receiver<Box<Outgoing>>,
    pub(super) router: Arc<Router>,
    pub(super) watcher: Arc<dyn PeerWatcher>,
    pub(super) limits: Limits,
    pub(super) encoding: Encoding,
}

/// Serves the connection until either side ends it or the owner of `tasks` stops.
pub(super) async fn run<S>(stream: S, link: Link, clock: Clock, tasks: Tasks)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (peer, router) = (link.peer.clone(), Arc::clone(&link.router));
    let mut connection = ConnectionTask::new(stream, link, clock, tasks);
    let end = poll_fn(|cx| connection.poll(cx)).await;
    match end {
        End::Broken(error) if router.is_told_of(&peer) => tracing::warn!(
            ?peer, %error,
            "connection closed: a frame could not be read; is it another protocol? Further ones of this \
             host are not told"
        ),
        end => tracing::debug!(?peer, "connection closed: {end}"),
    }
}

struct ConnectionTask<S> {
    stream: S,
    input: Input,
    output: Output,
    requests: Requests,
    calls: Calls,
    phase: Phase,
    close_notice: CloseNotice,
    signals: Signals,
    timeouts: Timeouts,
    peer: Peer,
    limits: Limits,
    clock: Clock,
}

impl<S: AsyncRead + AsyncWrite + Unpin> ConnectionTask<S> {
    fn new(stream: S, link: Link, clock: Clock, tasks: Tasks) -> Self {
        let timeouts = Timeouts::since(clock.moment());
        let (first, _) = timeouts.deadline(&link.limits);
        Self {
            stream,
            input: Input::new(link.limits.frame),
            output: Output::default(),
            requests: Requests::new(link.router, link.peer.clone()),
            calls: Calls::new(link.outgoing, link.encoding),
            phase: Phase::Open,
            close_notice: CloseNotice::new(link.peer.clone(), link.watcher),
            signals: Signals::new(link.peer.clone(), tasks, clock.clone(), first),
            timeouts,
            peer: link.peer,
            limits: link.limits,
            clock,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let now = self.clock.moment();
        if let Some(end) = self.handle_signals(cx, now) {
            return Poll::Ready(end);
        }
        let mut turn = Turn::new();
        let limit = self.limits.unsent;
        self.calls
            .send_queued(cx, &mut turn, &mut self.output, limit);
        if self.calls.let_others_join(&turn) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Err(end) = self.take_input(cx, now, &mut turn) {
            self.hang_up(end, now, cx);
        }
        let held = self.is_held();
        self.take_answers(cx, &mut turn);
        let full = self.is_full();
        self.write(cx, now);
        if self.requests.is_empty()
            && self.output.pending_bytes() == 0
            && let Some(end) = self.phase.end()
        {
            return Poll::Ready(end);
        }
        self.input.shrink_when_idle();
        self.output.shrink_when_idle();
        self.calls.shrink_when_idle();
        // Work that back-pressure or the turn's budget had stopped can continue, and no other event
        // wakes this task for it.
        if turn.is_over() || held && !self.is_held() || full && !self.is_full() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// The peer has closed its side. Its requests in flight are still completed: they may be
    /// one-way requests, after which a client may hang up.
    fn hang_up(&mut self, why: End, now: Moment, cx: &Context<'_>) {
        self.close_notice.notify_once();
        self.calls.close();
        let until = now.plus(SHUTDOWN_GRACE);
        self.phase = Phase::HungUp { why, until };
        self.signals.wake_at(until, cx);
    }

    fn handle_signals(&mut self, cx: &mut Context<'_>, now: Moment) -> Option<End> {
        while let Poll::Ready(signal) = self.signals.poll(cx) {
            match (signal, &self.phase) {
                // The notification of the watcher has closed the peer.
                (Signal::Closed, Phase::HungUp { .. }) => {}
                (Signal::Closed, _) => {
                    // Output that is already queued is written, as far as the socket takes it.
                    return Some(match self.output.write(&mut self.stream, cx) {
                        Ok(_) => End::Closed,
                        Err(error) => End::Io(error),
                    });
                }
                (Signal::Stop, Phase::Open) => {
                    let until = now.plus(SHUTDOWN_GRACE);
                    self.phase = Phase::Stopping { until };
                    self.signals.wake_at(until, cx);
                }
                (Signal::Stop, _) => {}
                (Signal::Timer, _) => {
                    if let Some(end) = self.check_deadlines(now, cx) {
                        return Some(end);
                    }
                }
            }
        }
        None
    }

    /// Returns why the connection ends if a deadline has passed, or else sets the timer for the
    /// next one.
    fn check_deadlines(&mut self, now: Moment, cx: &Context<'_>) -> Option<End> {
        let until = self.phase.until();
        if until.is_some_and(|until| until <= now) {
            return self.phase.end();
        }
        let (deadline, end) = self.timeouts.deadline(&self.limits);
        if deadline <= now {
            return Some(end);
        }
        let next = until.map_or(deadline, |until| until.min(deadline));
        self.signals.wake_at(next, cx);
        None
    }

    fn take_input(
        &mut self,
        cx: &mut Context<'_>,
        now: Moment,
        turn: &mut Turn,
    ) -> Result<(), End> {
        loop {
            self.take_commands(turn)?;
            if turn.is_over() || self.is_held() {
                // The input is held back by this side, so an incomplete frame is not the peer's
                // fault.
                self.timeouts.frame_ended();
                return Ok(());
            }
            self.timeouts
                .frame_begun(self.input.pending_bytes() > 0, now);
            match self.input.poll_read(&mut self.stream, cx) {
                Poll::Ready(Ok(0)) => return Err(End::HungUp),
                Poll::Ready(Ok(_)) => {
                    self.timeouts.heard(now);
                    self.peer.hear();
                }
                Poll::Ready(Err(error)) => return Err(End::Io(error)),
                Poll::Pending => return Ok(()),
            }
        }
    }

    fn take_commands(&mut self, turn: &mut Turn) -> Result<(), End> {
        while !turn.is_over() && !self.is_held() {
            let Some((command, bytes)) = self.input.command().map_err(End::Broken)? else {
                return Ok(());
            };
            self.timeouts.frame_ended();
            turn.spend(bytes);
            self.take_command(command, bytes);
        }
        Ok(())
    }

    fn take_command(&mut self, command: RemotingCommand, bytes: usize) {
        if command.head.is_answer() {
            return self.calls.answer(command);
        }
        self.calls.use_encoding(command.encoding);
        self.requests.begin(command, bytes, &mut self.output);
    }

    fn take_answers(&mut self, cx: &mut Context<'_>, turn: &mut Turn) {
        while !turn.is_over() && !self.is_full() {
            let before = self.output.pending_bytes();
            if self.requests.poll(cx, &mut self.output).is_pending() {
                break;
            }
            turn.spend(self.output.pending_bytes() - before);
        }
    }

    fn write(&mut self, cx: &mut Context<'_>, now: Moment) {
        if self.output.pending_bytes() == 0 {
            return;
        }
        match self.output.write(&mut self.stream, cx) {
            Ok(0) => {}
            Ok(_) => self.timeouts.said(now),
            Err(error) => {
                tracing::debug!(peer = ?self.peer, %error, "a write failed: output is dropped, input is still read");
            }
        }
        if self.output.pending_bytes() > 0 && self.timeouts.blocked(now) {
            self.signals.wake_at(now.plus(self.limits.stalled), cx);
        }
    }

    /// Whether so much output is pending that the peer has to read first.
    fn is_full(&self) -> bool {
        self.output.pending_bytes() >= self.limits.unsent
    }

    /// Whether reading pauses.
    fn is_held(&self) -> bool {
        !self.phase.is_open() || self.is_full() || self.requests.is_full(&self.limits)
    }
}
