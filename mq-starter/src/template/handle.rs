//! The outcome of a send in the background.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use mq_core::client::SendResult;
use tokio::sync::oneshot;

use super::error::SendError;

type SendOutcome = Result<SendResult, SendError>;

/// The outcome of a message that is being sent; wait for it or let it go.
#[derive(Debug)]
#[must_use = "the outcome tells whether the message was stored"]
pub struct SendHandle(oneshot::Receiver<SendOutcome>);

impl SendHandle {
    pub(super) fn new() -> (oneshot::Sender<SendOutcome>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }
}

impl Future for SendHandle {
    type Output = SendOutcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<SendOutcome> {
        Pin::new(&mut self.0)
            .poll(context)
            .map(|received| received.unwrap_or(Err(SendError::ShutDown)))
    }
}
