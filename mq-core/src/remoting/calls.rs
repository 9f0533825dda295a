//! Requests that this side sends: taken from the peer's outbox, given an opaque number, written,
//! and matched with their responses.

use std::task::{Context, Poll};

use tokio::sync::{mpsc, oneshot};

use super::output::Output;
use super::peer::Outgoing;
use super::turn::Turn;
use super::waiters::PendingCalls;
use crate::wire::{self, Encoding, RemotingCommand};

/// With more calls in flight than this, letting other tasks run before the write costs less than a
/// second write.
const COALESCE_FROM_CALLS: usize = 2;

/// The requests from this side to the peer.
pub(super) struct Calls {
    outbox: mpsc::Receiver<Box<Outgoing>>,
    waiters: PendingCalls,
    /// The encoding of requests: that of the peer's last request.
    encoding: Encoding,
    /// The last turn yielded to let other callers add their requests.
    joining: bool,
}

impl Calls {
    pub(super) fn new(outbox: mpsc::Receiver<Box<Outgoing>>, encoding: Encoding) -> Self {
        Self {
            outbox,
            waiters: PendingCalls::default(),
            encoding,
            joining: false,
        }
    }

    /// Moves requests from the outbox into `output` until that holds `limit` bytes.
    pub(super) fn send_queued(
        &mut self,
        cx: &mut Context<'_>,
        turn: &mut Turn,
        output: &mut Output,
        limit: usize,
    ) {
        while !turn.is_over() && output.pending_bytes() < limit {
            let Poll::Ready(Some(outgoing)) = self.outbox.poll_recv(cx) else {
                return;
            };
            let Outgoing { command, answer } = *outgoing;
            if answer.as_ref().is_some_and(oneshot::Sender::is_closed) {
                continue;
            }
            turn.spend(command.body.len());
            self.write(command, answer, output);
        }
    }

    fn write(
        &mut self,
        command: RemotingCommand,
        answer: Option<oneshot::Sender<RemotingCommand>>,
        output: &mut Output,
    ) {
        let RemotingCommand {
            mut head,
            fields,
            body,
            ..
        } = command;
        head.opaque = self.waiters.add(answer);
        let (encoding, length) = (self.encoding, body.len());
        let written = output.push_with(body, |out| {
            wire::encode_without_body(out, encoding, &head, &fields, length)
        });
        if let Err(error) = written {
            tracing::error!(code = head.code, %error, "request dropped: it does not fit into a frame");
            self.waiters.cancel(head.opaque);
        }
    }

    /// With many callers, the first request woke this task while the other callers are about to
    /// run. Yielding once lets one write carry the requests of all. A single caller is never
    /// delayed.
    pub(super) fn let_others_join(&mut self, turn: &Turn) -> bool {
        let taken = !turn.is_unspent();
        self.joining = taken && !self.joining && self.waiters.len() > COALESCE_FROM_CALLS;
        self.joining
    }

    /// Hands `answer` to the caller that waits for it.
    pub(super) fn answer(&mut self, answer: RemotingCommand) {
        self.waiters.answer(answer);
    }

    /// The peer sent a request in `encoding`; requests to it use the same from now on.
    pub(super) fn use_encoding(&mut self, encoding: Encoding) {
        self.encoding = encoding;
    }

    /// Sends nothing more; waiting callers get
    /// [`CallError::Closed`](super::error::CallError::Closed).
    pub(super) fn close(&mut self) {
        self.outbox.close();
        while self.outbox.try_recv().is_ok() {}
        self.waiters = PendingCalls::default();
    }

    /// Releases memory when no call is in flight.
    pub(super) fn shrink_when_idle(&mut self) {
        self.waiters.shrink_when_idle();
    }
}
