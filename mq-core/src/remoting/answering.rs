//! A request that is being answered: its processor is polled, and what it answers is encoded right
//! into the output of the connection.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use pin_project_lite::pin_project;

use super::output::Output;
use crate::wire::{self, Encoding, Head, Header, NoFields, Refusal, RemotingCommand, Reply, frame};

/// A request that is being answered, with its types erased.
pub(super) trait Answering: Send {
    /// Polls the processor. Once it has answered, the answer is in `out`, in the request's encoding;
    /// a one-way request has none.
    fn poll_answer(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut Output) -> Poll<()>;
}

pin_project! {
    /// The processor at work, and to what its answer belongs.
    pub(super) struct Answer<F> {
        to: AnswerTo,
        #[pin]
        processing: F,
    }
}

impl<F> Answer<F> {
    pub(super) fn new(to: AnswerTo, processing: F) -> Self {
        Self { to, processing }
    }
}

impl<F, H> Answering for Answer<F>
where
    F: Future<Output = Result<Reply<H>, Refusal>> + Send,
    H: Header,
{
    fn poll_answer(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut Output) -> Poll<()> {
        let this = self.project();
        let outcome = ready!(this.processing.poll(cx));
        this.to.write(outcome, out);
        Poll::Ready(())
    }
}

/// What an answer takes from its request.
pub(super) struct AnswerTo {
    encoding: Encoding,
    opaque: i32,
    one_way: bool,
}

impl AnswerTo {
    pub(super) fn of(command: &RemotingCommand) -> Self {
        Self {
            encoding: command.encoding,
            opaque: command.head.opaque,
            one_way: command.head.is_one_way(),
        }
    }

    fn write<H: Header>(&self, outcome: Result<Reply<H>, Refusal>, out: &mut Output) {
        if self.one_way {
            return;
        }
        let refused = match outcome {
            Ok(reply) => {
                let head = Head::answer(reply.code, self.opaque, reply.remark);
                self.put(&head, &reply.header, reply.body, out)
            }
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = refused {
            let head = Head::answer(refusal.code, self.opaque, Some(refusal.remark));
            let put = self.put(&head, &NoFields, Bytes::new(), out);
            debug_assert!(put.is_ok(), "a remark finds room in a frame");
        }
    }

    fn put(
        &self,
        head: &Head,
        header: &impl Header,
        body: Bytes,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let length = body.len();
        out.push_with(body, |out| {
            let start = out.len();
            wire::encode_without_body(out, self.encoding, head, header, length)
                .map_err(|error| Refusal::system(error.to_string()))?;
            if out.len() - start + length > frame::DEFAULT_LIMIT {
                // The peer would close the connection over it.
                out.truncate(start);
                return Err(Refusal::system("the answer is too long for a frame"));
            }
            Ok(())
        })
    }
}
