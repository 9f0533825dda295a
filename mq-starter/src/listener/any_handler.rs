//! A listener of either kind: of single messages, or of batches.

use super::batch::BatchHandler;
use super::handler::Handler;

/// A listener of either kind.
#[derive(Clone, Debug)]
pub enum AnyHandler {
    /// It takes one message at a time.
    One(Handler),
    /// It takes several.
    Batch(BatchHandler),
}

impl AnyHandler {
    /// Whether it is a function that may block its thread.
    pub(crate) fn is_blocking(&self) -> bool {
        match self {
            Self::One(handler) => handler.is_blocking(),
            Self::Batch(handler) => handler.is_blocking(),
        }
    }
}

impl From<Handler> for AnyHandler {
    fn from(handler: Handler) -> Self {
        Self::One(handler)
    }
}

impl From<BatchHandler> for AnyHandler {
    fn from(handler: BatchHandler) -> Self {
        Self::Batch(handler)
    }
}
