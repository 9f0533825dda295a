//! One connection, owned by one task, the same at both ends.
//!
//! A turn of the loop takes what has arrived, polls the processor of each request once in place and
//! writes all answers that are ready with one call. An answer that must wait (a flush, a long poll)
//! joins the set of this connection and reading goes on: answers need no order.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::Poll;

use bytes::BytesMut;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use super::out_buffer::OutBuffer;
use super::{Encoded, Limits, Outgoing, Peer, Router};
use crate::clock::{Clock, Moment};
use crate::wire::{self, Encoding, FrameError, RemotingCommand, frame};

/// Bytes read in one turn at most, so that one peer cannot hold a thread for long.
const READ_PER_TURN: usize = 256 * 1024;
const SLICES_PER_WRITE: usize = 64;
const FIRST_SWEEP: usize = 256;

/// What a connection is made of, before its task runs.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) peer: Peer,
    pub(super) outgoing: mpsc::Receiver<Outgoing>,
    pub(super) router: Arc<Router>,
    pub(super) limits: Limits,
    /// The encoding of our requests until the peer has shown its own.
    pub(super) encoding: Encoding,
    pub(super) clock: Clock,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    #[error("closed by the peer")]
    Closed,
    #[error("closed here")]
    ClosedHere,
    #[error("nothing came or went for {0:?}")]
    Idle(std::time::Duration),
    #[error("the peer does not read what is sent to it")]
    Stalled,
    #[error("the peer sent what is no frame")]
    Frame(#[source] FrameError),
    #[error("the socket failed")]
    Io(#[source] io::Error),
}

impl Connection {
    /// Serves the connection to its end; the peer is closed then.
    pub(super) async fn run(self) -> End {
        let Self {
            stream,
            peer,
            mut outgoing,
            router,
            limits,
            encoding,
            clock,
        } = self;
        let now = clock.moment();
        let mut state = State {
            input: BytesMut::new(),
            out: OutBuffer::default(),
            answering: FuturesUnordered::new(),
            waiting: Waiting::default(),
            encoding,
            active: now,
            frame_begun: None,
            written: now,
        };
        let end = loop {
            if let Err(end) = state.write(&stream, &clock) {
                break end;
            }
            let congested = state.out.len() > limits.unsent;
            let full = congested || state.answering.len() >= limits.in_flight;
            let deadline = state.deadline(&limits);
            tokio::select! {
                biased;
                () = peer.closed() => break End::ClosedHere,
                Some(answer) = state.answering.next(), if !congested => {
                    state.answered(answer);
                    state.take_ready_answers(limits.unsent).await;
                }
                ready = stream.readable(), if !full => {
                    let turn = match ready {
                        Ok(()) => state.read(&stream, &limits, &clock),
                        Err(error) => Err(End::Io(error)),
                    };
                    if let Err(end) = turn {
                        break end;
                    }
                    if let Err(end) = state.process(&router, &peer, &limits, &clock).await {
                        break end;
                    }
                }
                ready = stream.writable(), if !state.out.is_empty() => {
                    if let Err(error) = ready {
                        break End::Io(error);
                    }
                }
                Some(request) = outgoing.recv(), if !congested => {
                    state.send(request);
                    while let Ok(request) = outgoing.try_recv() {
                        state.send(request);
                    }
                }
                () = clock.sleep_until(deadline) => {
                    if let Some(end) = state.overdue(&limits, &clock) {
                        break end;
                    }
                }
            }
        };
        peer.close();
        end
    }
}

type Answering = BoxFuture<'static, Option<Encoded>>;

struct State {
    input: BytesMut,
    out: OutBuffer,
    answering: FuturesUnordered<Answering>,
    waiting: Waiting,
    encoding: Encoding,
    active: Moment,
    /// Since when the frame at the front of `input` is incomplete.
    frame_begun: Option<Moment>,
    /// When the socket last took something, or nothing waited.
    written: Moment,
}

impl State {
    /// Takes what has arrived, at most one turn's worth.
    fn read(&mut self, stream: &TcpStream, limits: &Limits, clock: &Clock) -> Result<(), End> {
        let before = self.input.len();
        loop {
            let wanted = frame::wanted(&self.input).saturating_sub(self.input.len());
            self.input
                .reserve(wanted.clamp(4 * 1024, READ_PER_TURN.min(limits.frame)));
            match stream.try_read_buf(&mut self.input) {
                Ok(0) => return Err(End::Closed),
                Ok(_) if self.input.len() - before >= READ_PER_TURN => break,
                Ok(_) if self.input.len() < self.input.capacity() => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if is_hang_up(&error) => return Err(End::Closed),
                Err(error) => return Err(End::Io(error)),
            }
        }
        if self.input.len() > before {
            self.active = clock.moment();
        }
        Ok(())
    }

    /// Takes every whole frame off the input and polls each processor once.
    async fn process(
        &mut self,
        router: &Router,
        peer: &Peer,
        limits: &Limits,
        clock: &Clock,
    ) -> Result<(), End> {
        while let Some(frame) = frame::decode(&mut self.input, limits.frame).map_err(End::Frame)? {
            self.frame_begun = None;
            let command = RemotingCommand::from_frame(frame).map_err(End::Frame)?;
            if command.head.is_answer() {
                self.waiting.answer(command);
                continue;
            }
            self.encoding = command.encoding;
            let mut answer = router.frame(command, peer);
            match poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await {
                Poll::Ready(answer) => self.answered(answer),
                Poll::Pending => self.answering.push(answer),
            }
        }
        if self.input.is_empty() {
            // An idle connection holds no buffer.
            self.input = BytesMut::new();
        } else if self.frame_begun.is_none() {
            self.frame_begun = Some(clock.moment());
        }
        Ok(())
    }

    /// Collects the answers that became ready together, so that one write serves them all.
    async fn take_ready_answers(&mut self, limit: usize) {
        while self.out.len() <= limit {
            match poll_fn(|context| Poll::Ready(self.answering.poll_next_unpin(context))).await {
                Poll::Ready(Some(answer)) => self.answered(answer),
                Poll::Ready(None) | Poll::Pending => return,
            }
        }
    }

    fn answered(&mut self, answer: Option<Encoded>) {
        if let Some(encoded) = answer {
            self.out.push(encoded);
        }
    }

    /// Puts a request of ours into the out buffer.
    fn send(&mut self, mut request: Outgoing) {
        request.command.head.opaque = self.waiting.next_opaque();
        request.command.encoding = self.encoding;
        let RemotingCommand {
            encoding,
            head,
            fields,
            body,
        } = request.command;
        let mut out = BytesMut::with_capacity(256);
        match wire::encode_without_body(&mut out, encoding, &head, &fields, body.len()) {
            Ok(()) => {
                self.out.push(Encoded { head: out, body });
                if let Some(answer) = request.answer {
                    self.waiting.add(head.opaque, answer);
                }
            }
            // Dropping the request tells who waits that no answer will come.
            Err(error) => tracing::warn!(code = head.code, %error, "a request was not sent"),
        }
    }

    /// Writes until nothing waits or the socket takes no more.
    fn write(&mut self, stream: &TcpStream, clock: &Clock) -> Result<(), End> {
        while !self.out.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES_PER_WRITE];
            let filled = self.out.fill(&mut slices);
            match stream.try_write_vectored(slices.get(..filled).unwrap_or_default()) {
                Ok(written) => {
                    self.out.advance(written);
                    self.active = clock.moment();
                    self.written = self.active;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if is_hang_up(&error) => return Err(End::Closed),
                Err(error) => return Err(End::Io(error)),
            }
        }
        self.written = self.active;
        Ok(())
    }

    /// When this connection is to be looked at although nothing happens on it.
    fn deadline(&self, limits: &Limits) -> Moment {
        let idle = self
            .active
            .min(self.frame_begun.unwrap_or(self.active))
            .plus(limits.idle);
        if self.out.is_empty() {
            idle
        } else {
            idle.min(self.written.plus(limits.stalled))
        }
    }

    fn overdue(&self, limits: &Limits, clock: &Clock) -> Option<End> {
        let now = clock.moment();
        if !self.out.is_empty() && now.since(self.written) >= limits.stalled {
            return Some(End::Stalled);
        }
        let idle_since = self.active.min(self.frame_begun.unwrap_or(self.active));
        (now.since(idle_since) >= limits.idle).then_some(End::Idle(limits.idle))
    }
}

/// Who waits for an answer, by the opaque number of the request.
#[derive(Default)]
struct Waiting {
    by_opaque: HashMap<i32, oneshot::Sender<RemotingCommand>>,
    next: i32,
    sweep_at: usize,
}

impl Waiting {
    fn next_opaque(&mut self) -> i32 {
        self.next = self.next.wrapping_add(1);
        self.next
    }

    /// Callers that gave up are swept out when the table has doubled since the last time.
    fn add(&mut self, opaque: i32, answer: oneshot::Sender<RemotingCommand>) {
        if self.by_opaque.len() >= self.sweep_at.max(FIRST_SWEEP) {
            self.by_opaque.retain(|_, answer| !answer.is_closed());
            self.sweep_at = self.by_opaque.len() * 2;
        }
        self.by_opaque.insert(opaque, answer);
    }

    /// An answer that nobody waits for any more is dropped.
    fn answer(&mut self, command: RemotingCommand) {
        if let Some(answer) = self.by_opaque.remove(&command.head.opaque) {
            drop(answer.send(command));
        }
    }
}

fn is_hang_up(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
    )
}

/// The command that an encoded answer holds, for a caller in the same process.
pub(super) fn decode_encoded(encoded: Encoded) -> Result<RemotingCommand, FrameError> {
    let mut whole = encoded.head;
    whole.extend_from_slice(&encoded.body);
    let limit = whole.len();
    match frame::decode(&mut whole, limit)? {
        Some(frame) => RemotingCommand::from_frame(frame),
        None => Err(FrameError::TooShort {
            length: limit,
            header: 0,
        }),
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Connection").field(&self.peer).finish()
    }
}
