//! Requests to the peer: taken from its outbox, numbered, written, and given their answers.

use std::task::{Context, Poll};

use tokio::sync::{mpsc, oneshot};

use super::output::Output;
use super::peer::Outgoing;
use super::turn::Turn;
use super::waiters::Waiters;
use crate::wire::{self, Encoding, RemotingCommand};

/// With so many calls under way, another turn of the scheduler costs less than another write.
const MANY_CALLERS: usize = 2;

/// What this side asks the peer.
pub(super) struct Calls {
    outbox: mpsc::Receiver<Box<Outgoing>>,
    waiters: Waiters,
    /// How the peer is asked: as it asked last.
    encoding: Encoding,
    /// The last turn let other callers join it.
    joining: bool,
}

impl Calls {
    pub(super) fn new(outbox: mpsc::Receiver<Box<Outgoing>>, encoding: Encoding) -> Self {
        Self {
            outbox,
            waiters: Waiters::default(),
            encoding,
            joining: false,
        }
    }

    /// Writes what is to be asked into `output`, up to `most` bytes there.
    pub(super) fn take(
        &mut self,
        cx: &mut Context<'_>,
        turn: &mut Turn,
        output: &mut Output,
        most: usize,
    ) {
        while !turn.is_over() && output.waiting() < most {
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
            tracing::error!(code = head.code, %error, "a request does not fit into a frame");
            self.waiters.forget(head.opaque);
        }
    }

    /// Among many callers the first one woke this task, and the others are about to run: after
    /// them one write serves all. A single caller waits for nobody.
    pub(super) fn let_others_join(&mut self, turn: &Turn) -> bool {
        let taken = !turn.is_whole();
        self.joining = taken && !self.joining && self.waiters.len() > MANY_CALLERS;
        self.joining
    }

    /// Hands `answer` to whoever asked for it.
    pub(super) fn answer(&mut self, answer: RemotingCommand) {
        self.waiters.answer(answer);
    }

    /// The peer asked in `encoding`.
    pub(super) fn speak(&mut self, encoding: Encoding) {
        self.encoding = encoding;
    }

    /// Nothing is asked any more; whoever waits learns that the connection is closed.
    pub(super) fn close(&mut self) {
        self.outbox.close();
        while self.outbox.try_recv().is_ok() {}
        self.waiters = Waiters::default();
    }

    /// Gives memory back when nobody waits.
    pub(super) fn rest(&mut self) {
        self.waiters.rest();
    }
}
