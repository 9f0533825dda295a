//! One connection, owned by one task.
//!
//! A turn takes what the peer is to be asked, every request and answer that has come in, and every
//! answer that has become ready, and writes once. Each request is first polled in place: most are
//! answered in the same turn, the others (a flush, a long poll) wait beside and stop nothing.
//!
//! [`Calls`] own what this side asks, [`Requests`] what the peer asks, [`Phase`] is how far the
//! connection is on its way to the end.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use super::calls::Calls;
use super::config::Limits;
use super::ending::{End, Farewell, Phase};
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

/// How long what is under way may take when the owner stops or the peer has hung up.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

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
    let peer = link.peer.clone();
    let mut connection = Connection::new(stream, link, clock, tasks);
    let end = poll_fn(|cx| connection.poll(cx)).await;
    match end {
        End::Broken(error) => tracing::warn!(?peer, %error, "closed over a broken frame"),
        end => tracing::debug!(?peer, "closed: {end}"),
    }
}

struct Connection<S> {
    stream: S,
    input: Input,
    output: Output,
    requests: Requests,
    calls: Calls,
    phase: Phase,
    farewell: Farewell,
    signals: Signals,
    timeouts: Timeouts,
    peer: Peer,
    limits: Limits,
    clock: Clock,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
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
            farewell: Farewell::new(link.peer.clone(), link.watcher),
            signals: Signals::new(link.peer.clone(), tasks, clock.clone(), first),
            timeouts,
            peer: link.peer,
            limits: link.limits,
            clock,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let now = self.clock.moment();
        if let Some(end) = self.take_signals(cx, now) {
            return Poll::Ready(end);
        }
        let mut turn = Turn::new();
        let most = self.limits.unsent;
        self.calls.take(cx, &mut turn, &mut self.output, most);
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
            && self.output.waiting() == 0
            && let Some(end) = self.phase.end()
        {
            return Poll::Ready(end);
        }
        self.input.rest();
        self.output.rest();
        self.calls.rest();
        // Nobody else wakes the task for what stood still and can go on now.
        if turn.is_over() || held && !self.is_held() || full && !self.is_full() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// The peer says nothing more. What it asked for is still done: a message that it wants no
    /// answer to may be all it came for.
    fn hang_up(&mut self, why: End, now: Moment, cx: &Context<'_>) {
        self.farewell.tell();
        self.calls.close();
        let until = now.plus(LAST_ANSWERS);
        self.phase = Phase::HungUp { why, until };
        self.signals.wake_at(until, cx);
    }

    fn take_signals(&mut self, cx: &mut Context<'_>, now: Moment) -> Option<End> {
        while let Poll::Ready(signal) = self.signals.poll(cx) {
            match (signal, &self.phase) {
                // It was closed by the farewell.
                (Signal::Closed, Phase::HungUp { .. }) => {}
                (Signal::Closed, _) => {
                    // What was said before the farewell still goes out, as far as the peer takes it.
                    return Some(match self.output.write(&mut self.stream, cx) {
                        Ok(_) => End::Closed,
                        Err(error) => End::Io(error),
                    });
                }
                (Signal::Stop, Phase::Open) => {
                    let until = now.plus(LAST_ANSWERS);
                    self.phase = Phase::Stopping { until };
                    self.signals.wake_at(until, cx);
                }
                (Signal::Stop, _) => {}
                (Signal::Timer, _) => {
                    if let Some(end) = self.look_at_time(now, cx) {
                        return Some(end);
                    }
                }
            }
        }
        None
    }

    /// What is over by now, or when to look again.
    fn look_at_time(&mut self, now: Moment, cx: &Context<'_>) -> Option<End> {
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
            self.take_commands(cx, turn)?;
            if turn.is_over() || self.is_held() {
                // Whatever lies here now does so for our sake, not the peer's.
                self.timeouts.frame_ended();
                return Ok(());
            }
            self.timeouts.frame_begun(self.input.waiting() > 0, now);
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

    fn take_commands(&mut self, cx: &mut Context<'_>, turn: &mut Turn) -> Result<(), End> {
        while !turn.is_over() && !self.is_held() {
            let Some((command, bytes)) = self.input.command().map_err(End::Broken)? else {
                return Ok(());
            };
            self.timeouts.frame_ended();
            turn.spend(bytes);
            self.take_command(command, bytes, cx);
        }
        Ok(())
    }

    fn take_command(&mut self, command: RemotingCommand, bytes: usize, cx: &mut Context<'_>) {
        if command.head.is_answer() {
            return self.calls.answer(command);
        }
        self.calls.speak(command.encoding);
        if let Some(answer) = self.requests.begin(command, bytes, cx) {
            self.output.push(answer);
        }
    }

    fn take_answers(&mut self, cx: &mut Context<'_>, turn: &mut Turn) {
        while !turn.is_over() && !self.is_full() {
            let Poll::Ready(answer) = self.requests.poll(cx) else {
                break;
            };
            if let Some(answer) = answer {
                turn.spend(answer.body.len());
                self.output.push(answer);
            }
        }
    }

    fn write(&mut self, cx: &mut Context<'_>, now: Moment) {
        if self.output.waiting() == 0 {
            return;
        }
        match self.output.write(&mut self.stream, cx) {
            Ok(0) => {}
            Ok(_) => self.timeouts.said(now),
            Err(error) => {
                tracing::debug!(peer = ?self.peer, %error, "the peer takes nothing more");
            }
        }
        if self.output.waiting() > 0 && self.timeouts.blocked(now) {
            self.signals.wake_at(now.plus(self.limits.stalled), cx);
        }
    }

    /// The peer has to read before it is told more.
    fn is_full(&self) -> bool {
        self.output.waiting() >= self.limits.unsent
    }

    /// Nothing more is read for now.
    fn is_held(&self) -> bool {
        !self.phase.is_open() || self.is_full() || self.requests.is_full(&self.limits)
    }
}
