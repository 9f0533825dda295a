//! What an application does with messages, and what it answers.

use std::any::{Any, type_name};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::message::{MessageExt, TopicName};

/// What becomes of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is done with.
    Done,
    /// It comes again.
    Later {
        /// After the time of this delay level; 0 lets the broker decide, longer with each attempt.
        delay_level: u8,
        /// What went wrong; after the last attempt that is allowed, it stays with the dead letter.
        reason: Option<String>,
    },
    /// It never comes again and goes to the dead letters of the group.
    DeadLetter {
        /// Why, for whoever looks at it there.
        reason: String,
    },
}

/// Takes messages in any order, several at a time (`MessageListenerConcurrently`).
pub trait ConcurrentListener: Send + Sync + 'static {
    /// Takes a batch of one topic and queue; there is an outcome for each message, in their order.
    ///
    /// A message without an outcome comes again, and so do all of them after a panic.
    fn consume(&self, batch: Vec<MessageExt>) -> impl Future<Output = Vec<Outcome>> + Send;

    /// What the log calls whoever takes the messages of `topic`.
    fn name(&self, _topic: &TopicName) -> &str {
        type_name::<Self>()
    }
}

/// What becomes of messages that are taken in order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OrderlyOutcome {
    /// They are done with.
    Done,
    /// They come again, and nothing else of their queue before.
    Suspend {
        /// After so long, 10 ms to 30 s; `None`: after the consumer's usual pause.
        pause: Option<Duration>,
        /// What went wrong; after the last attempt that is allowed, it stays with the dead letter.
        reason: Option<String>,
    },
    /// They never come again and go to the dead letters of the group; the queue goes on.
    DeadLetter {
        /// Why, for whoever looks at them there.
        reason: String,
    },
}

impl OrderlyOutcome {
    /// How long a queue pauses that is to pause for `pause`: 10 ms to 30 s.
    pub fn within_limits(pause: Duration) -> Duration {
        pause.clamp(Duration::from_millis(10), Duration::from_secs(30))
    }
}

/// Takes the messages of a queue one after the other (`MessageListenerOrderly`).
pub trait OrderlyListener: Send + Sync + 'static {
    /// Takes a batch of one topic and queue, in its order. After a panic it comes again.
    fn consume(&self, batch: Vec<MessageExt>) -> impl Future<Output = OrderlyOutcome> + Send;
}

/// A listener without its type.
pub(super) enum Listener {
    Concurrent(Arc<dyn Concurrent>),
    Orderly(Arc<dyn Orderly>),
}

pub(super) trait Concurrent: Send + Sync {
    fn consume(&self, batch: Vec<MessageExt>) -> BoxFuture<'_, Vec<Outcome>>;

    fn name(&self, topic: &TopicName) -> &str;
}

pub(super) trait Orderly: Send + Sync {
    fn consume(&self, batch: Vec<MessageExt>) -> BoxFuture<'_, OrderlyOutcome>;
}

impl<L: ConcurrentListener> Concurrent for L {
    fn consume(&self, batch: Vec<MessageExt>) -> BoxFuture<'_, Vec<Outcome>> {
        let count = batch.len();
        // The call itself may panic too, not only its future.
        let call = AssertUnwindSafe(async move { ConcurrentListener::consume(self, batch).await });
        let outcome = call.catch_unwind();
        outcome
            .map(move |outcome| {
                outcome.unwrap_or_else(|panic| {
                    let panic = said(&*panic);
                    tracing::error!(panic, "the listener panicked: again later");
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

impl<L: OrderlyListener> Orderly for L {
    fn consume(&self, batch: Vec<MessageExt>) -> BoxFuture<'_, OrderlyOutcome> {
        let call = AssertUnwindSafe(async move { OrderlyListener::consume(self, batch).await });
        let outcome = call.catch_unwind();
        outcome
            .map(|outcome| {
                outcome.unwrap_or_else(|panic| {
                    let panic = said(&*panic);
                    tracing::error!(panic, "the listener panicked: again after a pause");
                    OrderlyOutcome::Suspend {
                        pause: None,
                        reason: Some(format!("the listener panicked: {panic}")),
                    }
                })
            })
            .boxed()
    }
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("(no text)")
}
