//! The listener of an application, and the outcomes that it returns.

use std::any::{Any, type_name};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::message::{MessageExt, TopicName};

/// The outcome of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is finished.
    Done,
    /// It is delivered again.
    Later {
        /// After the delay of this level; 0: the broker chooses a delay that grows with each
        /// attempt.
        delay_level: u8,
        /// Why; after the last retry it is stored with the dead letter.
        reason: Option<String>,
    },
    /// It goes to the group's dead-letter topic and is not delivered again.
    DeadLetter {
        /// Why; stored with the dead letter.
        reason: String,
    },
}

/// Receives messages concurrently, in any order (`MessageListenerConcurrently`).
pub trait ConcurrentListener: Send + Sync + 'static {
    /// Handles a batch of one topic and queue; returns one outcome per message, in their order.
    ///
    /// A message without an outcome is delivered again; after a panic all of the batch are.
    fn consume(&self, batch: Vec<MessageExt>) -> impl Future<Output = Vec<Outcome>> + Send;

    /// The name of the handler for `topic`, for the log.
    fn name(&self, _topic: &TopicName) -> &str {
        type_name::<Self>()
    }
}

/// The outcome of a batch that is consumed in order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OrderlyOutcome {
    /// The messages are finished.
    Done,
    /// The messages are delivered again after a pause, before any other of their queue.
    Suspend {
        /// The pause, 10 ms to 30 s; `None`:
        /// [`ConsumerConfig::suspend`](super::ConsumerConfig::suspend).
        pause: Option<Duration>,
        /// Why; after the last retry it is stored with the dead letter.
        reason: Option<String>,
    },
    /// The messages go to the group's dead-letter topic, and the queue continues after them.
    DeadLetter {
        /// Why; stored with the dead letters.
        reason: String,
    },
}

impl OrderlyOutcome {
    /// `pause`, limited to 10 ms to 30 s.
    pub fn within_limits(pause: Duration) -> Duration {
        pause.clamp(Duration::from_millis(10), Duration::from_secs(30))
    }
}

/// Receives the messages of a queue one after the other (`MessageListenerOrderly`).
pub trait OrderlyListener: Send + Sync + 'static {
    /// Handles a batch of one topic and queue, in its order. After a panic the batch is delivered
    /// again.
    fn consume(&self, batch: Vec<MessageExt>) -> impl Future<Output = OrderlyOutcome> + Send;
}

/// A listener with its type erased.
pub(super) enum AnyListener {
    Concurrent(Arc<dyn DynConcurrent>),
    Orderly(Arc<dyn DynOrderly>),
}

pub(super) trait DynConcurrent: Send + Sync {
    fn consume(&self, batch: Vec<MessageExt>) -> BoxFuture<'_, Vec<Outcome>>;

    fn name(&self, topic: &TopicName) -> &str;
}

pub(super) trait DynOrderly: Send + Sync {
    fn consume(&self, batch: Vec<MessageExt>) -> BoxFuture<'_, OrderlyOutcome>;
}

impl<L: ConcurrentListener> DynConcurrent for L {
    fn consume(&self, batch: Vec<MessageExt>) -> BoxFuture<'_, Vec<Outcome>> {
        let count = batch.len();
        // The call itself may panic too, not only its future.
        let call = AssertUnwindSafe(async move { ConcurrentListener::consume(self, batch).await });
        let outcome = call.catch_unwind();
        outcome
            .map(move |outcome| {
                outcome.unwrap_or_else(|panic| {
                    let panic = panic_text(&*panic);
                    tracing::error!(
                        panic,
                        "the listener panicked: the messages are delivered again"
                    );
                    let again = Outcome::Later {
                        delay_level: 0,
                        reason: Some(format!("the listener panicked: {panic}")),
                    };
                    vec![again; count]
                })
            })
            .boxed()
    }

    fn name(&self, topic: &TopicName) -> &str {
        ConcurrentListener::name(self, topic)
    }
}

impl<L: OrderlyListener> DynOrderly for L {
    fn consume(&self, batch: Vec<MessageExt>) -> BoxFuture<'_, OrderlyOutcome> {
        let call = AssertUnwindSafe(async move { OrderlyListener::consume(self, batch).await });
        let outcome = call.catch_unwind();
        outcome
            .map(|outcome| {
                outcome.unwrap_or_else(|panic| {
                    let panic = panic_text(&*panic);
                    tracing::error!(
                        panic,
                        "the listener panicked: the messages are delivered again after a pause"
                    );
                    OrderlyOutcome::Suspend {
                        pause: None,
                        reason: Some(format!("the listener panicked: {panic}")),
                    }
                })
            })
            .boxed()
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("(no text)")
}
