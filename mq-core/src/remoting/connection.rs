//! One connection, owned by one task.
//!
//! A turn takes what the peer is to be asked, every request and answer that has come in, and every
//! answer that has become ready, and writes once. Each request is first polled in place: most are
//! answered in the same turn, the others (a flush, a long poll) wait beside and stop nothing.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};

use super::config::Limits;
use super::ending::{End, Ending, Farewell};
use super::in_flight::InFlight;
use super::input::Input;
use super::output::Output;
use super::peer::PeerWatcher;
use super::peer::{Outgoing, Peer};
use super::router::Router;
use super::signals::{Signal, Signals};
use super::timeouts::Timeouts;
use super::turn::Turn;
use super::waiters::Waiters;
use crate::clock::{Clock, Moment};
use crate::tasks::Tasks;
use crate::wire::frame::Frame;
use crate::wire::{self, Encoding, RemotingCommand};

/// Memory that a request takes beside its bytes.
const REQUEST: usize = 512;

/// With so many requests to the peer under way, another turn of the scheduler costs less than
/// another write.
const MANY_CALLERS: usize = 2;

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
    outgoing: mpsc::Receiver<Box<Outgoing>>,
    /// Requests of the peer.
    in_flight: InFlight,
    /// Requests to the peer.
    waiters: Waiters,
    signals: Signals,
    timeouts: Timeouts,
    ending: Option<Ending>,
    /// The peer takes nothing more. What it sent before is still to be read.
    deaf: bool,
    /// The last turn let other callers join it.
    joining: bool,
    peer: Peer,
    /// Nothing once it is told.
    farewell: Option<Farewell>,
    router: Arc<Router>,
    limits: Limits,
    /// How the peer is asked: as it asked last.
    encoding: Encoding,
    clock: Clock,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    fn new(stream: S, link: Link, clock: Clock, tasks: Tasks) -> Self {
        let timeouts = Timeouts::since(clock.moment());
        let (first, _) = timeouts.deadline(&link.limits);
        let signals = Signals::new(link.peer.clone(), tasks, clock.clone(), first);
        let farewell = Farewell {
            peer: link.peer.clone(),
            watcher: link.watcher,
        };
        Self {
            stream,
            input: Input::new(link.limits.frame),
            output: Output::default(),
            outgoing: link.outgoing,
            in_flight: InFlight::default(),
            waiters: Waiters::default(),
            signals,
            timeouts,
            ending: None,
            deaf: false,
            joining: false,
            peer: link.peer,
            farewell: Some(farewell),
            router: link.router,
            limits: link.limits,
            encoding: link.encoding,
            clock,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let now = self.clock.moment();
        if let Some(end) = self.take_signals(cx, now) {
            return Poll::Ready(end);
        }
        let mut turn = Turn::new();
        self.take_outgoing(cx, &mut turn);
        if self.lets_others_join(&turn) {
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
        if self.in_flight.is_empty()
            && self.output.waiting() == 0
            && let Some(ending) = self.ending.take()
        {
            return Poll::Ready(ending.why);
        }
        self.input.rest();
        self.output.rest();
        self.waiters.rest();
        // Nobody else wakes the task for what stood still and can go on now.
        if turn.is_over() || held && !self.is_held() || full && !self.is_full() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// The peer says nothing more. What it asked for is still done: a message that it wants no
    /// answer to may be all it came for.
    fn hang_up(&mut self, why: End, now: Moment, cx: &Context<'_>) {
        self.farewell = None;
        self.outgoing.close();
        while self.outgoing.try_recv().is_ok() {}
        self.waiters = Waiters::default();
        self.end_within_moments(why, now, cx);
    }

    fn end_within_moments(&mut self, why: End, now: Moment, cx: &Context<'_>) {
        let until = now.plus(LAST_ANSWERS);
        self.ending = Some(Ending { why, until });
        self.signals.wake_at(until, cx);
    }

    fn take_signals(&mut self, cx: &mut Context<'_>, now: Moment) -> Option<End> {
        while let Poll::Ready(signal) = self.signals.poll(cx) {
            match signal {
                Signal::Closed if self.farewell.is_none() => {}
                Signal::Closed => {
                    // What was said before the farewell still goes out, as far as the peer takes it.
                    return Some(match self.output.write(&mut self.stream, cx) {
                        Ok(_) => End::Closed,
                        Err(error) => End::Io(error),
                    });
                }
                Signal::Stop if self.ending.is_none() => {
                    self.end_within_moments(End::Stopped, now, cx);
                }
                Signal::Stop => {}
                Signal::Timer => {
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
        if let Some(ending) = self.ending.take_if(|ending| ending.until <= now) {
            return Some(ending.why);
        }
        let (deadline, end) = self.timeouts.deadline(&self.limits);
        if deadline <= now {
            return Some(end);
        }
        let until = self.ending.as_ref().map(|ending| ending.until);
        let next = until.map_or(deadline, |until| until.min(deadline));
        self.signals.wake_at(next, cx);
        None
    }

    fn take_outgoing(&mut self, cx: &mut Context<'_>, turn: &mut Turn) {
        while !turn.is_over() && !self.is_full() {
            let Poll::Ready(Some(outgoing)) = self.outgoing.poll_recv(cx) else {
                return;
            };
            let Outgoing { command, answer } = *outgoing;
            if answer.as_ref().is_some_and(oneshot::Sender::is_closed) {
                continue;
            }
            turn.spend(command.body.len());
            let RemotingCommand {
                mut head,
                fields,
                body,
                ..
            } = command;
            head.opaque = self.waiters.add(answer);
            let (encoding, length) = (self.encoding, body.len());
            let written = self.output.push_with(body, |out| {
                wire::encode_without_body(out, encoding, &head, &fields, length)
            });
            if let Err(error) = written {
                tracing::error!(peer = ?self.peer, %error, "a request does not fit into a frame");
                self.waiters.forget(head.opaque);
            }
        }
    }

    /// Among many callers the first one woke this task, and the others are about to run: after
    /// them one write serves all. A single caller waits for nobody.
    fn lets_others_join(&mut self, turn: &Turn) -> bool {
        let taken = !turn.is_whole();
        self.joining = taken && !self.joining && self.waiters.len() > MANY_CALLERS;
        self.joining
    }

    fn take_input(
        &mut self,
        cx: &mut Context<'_>,
        now: Moment,
        turn: &mut Turn,
    ) -> Result<(), End> {
        loop {
            self.take_frames(cx, turn)?;
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

    fn take_frames(&mut self, cx: &mut Context<'_>, turn: &mut Turn) -> Result<(), End> {
        while !turn.is_over() && !self.is_held() {
            let Some(frame) = self.input.frame().map_err(End::Broken)? else {
                return Ok(());
            };
            self.timeouts.frame_ended();
            turn.spend(frame.header.len() + frame.body.len());
            self.take_frame(frame, cx)?;
        }
        Ok(())
    }

    fn take_frame(&mut self, frame: Frame, cx: &mut Context<'_>) -> Result<(), End> {
        let bytes = REQUEST + frame.header.len() + frame.body.len();
        let command = RemotingCommand::from_frame(frame).map_err(End::Broken)?;
        if command.head.is_answer() {
            self.waiters.answer(command);
            return Ok(());
        }
        self.encoding = command.encoding;
        let mut future = self.router.frame(command, &self.peer);
        match future.as_mut().poll(cx) {
            Poll::Ready(Some(answer)) => self.output.push(answer),
            Poll::Ready(None) => {}
            Poll::Pending => self.in_flight.push(future, bytes),
        }
        Ok(())
    }

    fn take_answers(&mut self, cx: &mut Context<'_>, turn: &mut Turn) {
        while !turn.is_over() && !self.is_full() {
            let Poll::Ready(answer) = self.in_flight.poll(cx) else {
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
        if !self.deaf {
            match self.output.write(&mut self.stream, cx) {
                Ok(0) => {}
                Ok(_) => self.timeouts.said(now),
                Err(error) => {
                    tracing::debug!(peer = ?self.peer, %error, "the peer takes nothing more");
                    self.deaf = true;
                }
            }
        }
        if self.deaf {
            self.output = Output::default();
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
        self.ending.is_some() || self.is_full() || self.in_flight.is_full(&self.limits)
    }
}
