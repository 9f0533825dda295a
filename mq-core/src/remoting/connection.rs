//! One connection, owned by one task.
//!
//! A turn takes what the peer is to be asked, every request and answer that has come in, and every
//! answer that has become ready, and writes once. Each request is first polled in place: most are
//! answered in the same turn, the others (a flush, a long poll) wait beside and stop nothing.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};

use super::input::Input;
use super::output::Output;
use super::peer::{Outgoing, Peer};
use super::router::{Encoded, Router};
use super::signals::{Signal, Signals};
use super::waiters::Waiters;
use super::{Limits, PeerWatcher};
use crate::clock::{Clock, Moment};
use crate::tasks::Tasks;
use crate::wire::frame::{Frame, FrameError};
use crate::wire::{self, Encoding, RemotingCommand};

/// Bytes taken in one turn before other connections get theirs; each piece counts a little more
/// than its length.
const TURN: usize = 512 * 1024;
const PIECE: usize = 512;

/// With so many requests to the peer under way, another turn of the scheduler costs less than
/// another write.
const MANY_CALLERS: usize = 2;

/// How long what is under way may take when the owner stops or the peer has hung up.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// What a connection needs besides its stream.
pub(super) struct Link {
    pub(super) peer: Peer,
    pub(super) outgoing: mpsc::Receiver<Outgoing>,
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

/// Tells the world that the peer is gone, as soon as it is and however the task ends.
struct Farewell {
    peer: Peer,
    watcher: Arc<dyn PeerWatcher>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        self.peer.close();
        self.watcher.closed(&self.peer);
    }
}

/// Why a connection ended.
#[derive(Debug)]
enum End {
    HungUp,
    Closed,
    Stopped,
    Idle,
    Stalled,
    Io(io::Error),
    Broken(FrameError),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HungUp => f.write_str("the peer hung up"),
            Self::Closed => f.write_str("by this side"),
            Self::Stopped => f.write_str("this side stops"),
            Self::Idle => f.write_str("idle for too long"),
            Self::Stalled => f.write_str("the peer does not read"),
            Self::Io(error) => error.fmt(f),
            Self::Broken(error) => error.fmt(f),
        }
    }
}

/// Nothing more is read; what is under way may come to its end.
struct Ending {
    why: End,
    until: Moment,
}

struct Connection<S> {
    stream: S,
    input: Input,
    output: Output,
    outgoing: mpsc::Receiver<Outgoing>,
    /// Requests of the peer that are not answered yet.
    answering: FuturesUnordered<Answering>,
    answering_bytes: usize,
    /// Requests to the peer.
    waiters: Waiters,
    signals: Signals,
    quiet: Quiet,
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
        let quiet = Quiet::since(clock.moment());
        let (first, _) = quiet.deadline(&link.limits);
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
            answering: FuturesUnordered::new(),
            answering_bytes: 0,
            waiters: Waiters::default(),
            signals,
            quiet,
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
        let mut turn = TURN;
        self.take_outgoing(cx, &mut turn);
        if self.lets_others_join(turn) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Err(end) = self.take_input(cx, now, &mut turn) {
            self.hang_up(end, now, cx);
        }
        self.take_answers(cx, &mut turn);
        self.write(cx, now);
        if self.answering.is_empty()
            && self.output.waiting() == 0
            && let Some(ending) = self.ending.take()
        {
            return Poll::Ready(ending.why);
        }
        self.input.rest();
        self.output.rest();
        if turn == 0 {
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
        let (deadline, end) = self.quiet.deadline(&self.limits);
        if deadline <= now {
            return Some(end);
        }
        let until = self.ending.as_ref().map(|ending| ending.until);
        let next = until.map_or(deadline, |until| until.min(deadline));
        self.signals.wake_at(next, cx);
        None
    }

    fn take_outgoing(&mut self, cx: &mut Context<'_>, turn: &mut usize) {
        while *turn > 0 && !self.is_full() {
            let Poll::Ready(Some(outgoing)) = self.outgoing.poll_recv(cx) else {
                return;
            };
            let Outgoing { command, answer } = outgoing;
            if answer.as_ref().is_some_and(oneshot::Sender::is_closed) {
                continue;
            }
            spend(turn, command.body.len());
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
    fn lets_others_join(&mut self, turn: usize) -> bool {
        let taken = turn < TURN;
        self.joining = taken && !self.joining && self.waiters.len() > MANY_CALLERS;
        self.joining
    }

    fn take_input(
        &mut self,
        cx: &mut Context<'_>,
        now: Moment,
        turn: &mut usize,
    ) -> Result<(), End> {
        loop {
            self.take_frames(cx, turn)?;
            if *turn == 0 || self.is_held() {
                // Whatever lies here now does so for our sake, not the peer's.
                self.quiet.frame_ended();
                return Ok(());
            }
            self.quiet.frame_begun(self.input.waiting() > 0, now);
            match self.input.poll_read(&mut self.stream, cx) {
                Poll::Ready(Ok(0)) => return Err(End::HungUp),
                Poll::Ready(Ok(_)) => {
                    self.quiet.heard(now);
                    self.peer.hear();
                }
                Poll::Ready(Err(error)) => return Err(End::Io(error)),
                Poll::Pending => return Ok(()),
            }
        }
    }

    fn take_frames(&mut self, cx: &mut Context<'_>, turn: &mut usize) -> Result<(), End> {
        while *turn > 0 && !self.is_held() {
            let Some(frame) = self.input.frame().map_err(End::Broken)? else {
                return Ok(());
            };
            self.quiet.frame_ended();
            spend(turn, frame.header.len() + frame.body.len());
            self.take_frame(frame, cx)?;
        }
        Ok(())
    }

    fn take_frame(&mut self, frame: Frame, cx: &mut Context<'_>) -> Result<(), End> {
        let bytes = PIECE + frame.header.len() + frame.body.len();
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
            Poll::Pending => {
                self.answering_bytes += bytes;
                self.answering.push(Answering { future, bytes });
            }
        }
        Ok(())
    }

    fn take_answers(&mut self, cx: &mut Context<'_>, turn: &mut usize) {
        if self.answering.is_empty() {
            return;
        }
        let held = self.is_held();
        while *turn > 0 && !self.is_full() {
            let answering = Pin::new(&mut self.answering);
            let Poll::Ready(Some((answer, bytes))) = answering.poll_next(cx) else {
                break;
            };
            self.answering_bytes -= bytes;
            if let Some(answer) = answer {
                spend(turn, answer.body.len());
                self.output.push(answer);
            }
        }
        if held && !self.is_held() {
            cx.waker().wake_by_ref();
        }
    }

    fn write(&mut self, cx: &mut Context<'_>, now: Moment) {
        if self.output.waiting() == 0 {
            return;
        }
        let held = self.is_full();
        if !self.deaf {
            match self.output.write(&mut self.stream, cx) {
                Ok(0) => {}
                Ok(_) => self.quiet.said(now),
                Err(error) => {
                    tracing::debug!(peer = ?self.peer, %error, "the peer takes nothing more");
                    self.deaf = true;
                }
            }
        }
        if self.deaf {
            self.output = Output::default();
        }
        if self.output.waiting() > 0 && self.quiet.blocked(now) {
            self.signals.wake_at(now.plus(self.limits.stalled), cx);
        }
        if held && !self.is_full() {
            cx.waker().wake_by_ref();
        }
    }

    /// The peer has to read before it is told more.
    fn is_full(&self) -> bool {
        self.output.waiting() >= self.limits.unsent
    }

    /// Nothing more is read for now.
    fn is_held(&self) -> bool {
        self.ending.is_some()
            || self.is_full()
            || self.answering.len() >= self.limits.in_flight
            || self.answering_bytes >= self.limits.in_flight_bytes
    }
}

fn spend(turn: &mut usize, bytes: usize) {
    *turn = turn.saturating_sub(PIECE + bytes);
}

/// A request whose answer takes longer than a turn.
struct Answering {
    future: BoxFuture<'static, Option<Encoded>>,
    bytes: usize,
}

impl Future for Answering {
    type Output = (Option<Encoded>, usize);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let bytes = self.bytes;
        self.future.as_mut().poll(cx).map(|answer| (answer, bytes))
    }
}

/// Since when nothing happens where something should.
#[derive(Debug)]
struct Quiet {
    /// The last byte in either direction.
    last: Moment,
    /// The frame that has not come to its end.
    frame: Option<Moment>,
    /// Bytes that the peer does not take.
    unsent: Option<Moment>,
}

impl Quiet {
    fn since(now: Moment) -> Self {
        Self {
            last: now,
            frame: None,
            unsent: None,
        }
    }

    fn heard(&mut self, now: Moment) {
        self.last = now;
    }

    fn said(&mut self, now: Moment) {
        self.last = now;
        self.unsent = None;
    }

    /// Whether this is news.
    fn blocked(&mut self, now: Moment) -> bool {
        let news = self.unsent.is_none();
        self.unsent.get_or_insert(now);
        news
    }

    fn frame_begun(&mut self, begun: bool, now: Moment) {
        if begun {
            self.frame.get_or_insert(now);
        }
    }

    fn frame_ended(&mut self) {
        self.frame = None;
    }

    /// When the connection has to end if things stay as they are, and why.
    fn deadline(&self, limits: &Limits) -> (Moment, End) {
        let idle = self.frame.map_or(self.last, |frame| frame.min(self.last));
        let idle = idle.plus(limits.idle);
        match self.unsent.map(|unsent| unsent.plus(limits.stalled)) {
            Some(stalled) if stalled < idle => (stalled, End::Stalled),
            _ => (idle, End::Idle),
        }
    }
}
