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
    /// The listener panicked; the message is delivered again as after [`Later`](Self::Later). Message trace
    /// tells it from a failure that the listener has returned. A panic that leaves the listener becomes
    /// this, with the level 0.
    Panicked {
        /// As that of [`Later`](Self::Later).
        delay_level: u8,
        /// Why; after the last retry it is stored with the dead letter.
        reason: String,
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

/// The outcome of one message that is consumed in order.
///
/// A listener that commits by itself (Java's auto-commit off) returns [`Uncommitted`] for messages that
/// it has handled, and [`Done`] or [`RollBack`] when it commits them or not.
///
/// [`Done`]: Self::Done
/// [`RollBack`]: Self::RollBack
/// [`Uncommitted`]: Self::Uncommitted
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OrderlyOutcome {
    /// The message is finished, and with it all uncommitted ones before it (`SUCCESS` with auto-commit,
    /// `COMMIT` without).
    Done,
    /// The message is handled and its offset is not committed yet (`SUCCESS` without auto-commit): it is
    /// delivered again after a rollback, a restart, or when its queue gets another owner.
    ///
    /// Uncommitted messages count towards [`FlowLimits`](super::FlowLimits): a listener that never
    /// commits gets no more messages.
    Uncommitted,
    /// The message is delivered again after a pause, before any other of its queue
    /// (`SUSPEND_CURRENT_QUEUE_A_MOMENT`).
    Suspend {
        /// The pause, 10 ms to 30 s; `None`:
        /// [`ConsumerConfig::suspend`](super::ConsumerConfig::suspend).
        pause: Option<Duration>,
        /// Why; after the last retry it is stored with the dead letter.
        reason: Option<String>,
    },
    /// The listener panicked; the message is delivered again as after [`Suspend`](Self::Suspend) with the
    /// usual pause. Message trace tells it from a failure that the listener has returned. A panic that
    /// leaves the listener becomes this.
    Panicked {
        /// Why; after the last retry it is stored with the dead letter.
        reason: String,
    },
    /// The message and all uncommitted ones before it are delivered again after a pause; this counts as
    /// no attempt (`ROLLBACK` without auto-commit).
    RollBack {
        /// As that of [`Suspend`](Self::Suspend).
        pause: Option<Duration>,
    },
    /// The message goes to the group's dead-letter topic, and the queue continues after it.
    DeadLetter {
        /// Why; stored with the dead letter.
        reason: String,
    },
}

impl OrderlyOutcome {
    /// Whether the listener is through with the message, committed or not.
    pub(super) fn is_handled(&self) -> bool {
        matches!(self, Self::Done | Self::Uncommitted)
    }

    /// Whether the message is delivered again, before any other of its queue.
    pub(super) fn comes_again(&self) -> bool {
        self.is_attempt() || matches!(self, Self::RollBack { .. })
    }

    /// Whether the message is delivered again and this attempt counts.
    pub(super) fn is_attempt(&self) -> bool {
        matches!(self, Self::Suspend { .. } | Self::Panicked { .. })
    }

    /// `pause`, limited to 10 ms to 30 s.
    pub fn within_limits(pause: Duration) -> Duration {
        pause.clamp(Duration::from_millis(10), Duration::from_secs(30))
    }
}

/// Receives the messages of a queue one after the other (`MessageListenerOrderly`).
pub trait OrderlyListener: Send + Sync + 'static {
    /// Handles a batch of one topic and queue, in its order; returns one outcome per message.
    ///
    /// The outcomes are carried out in order up to the first message that is delivered again. Those
    /// behind it are delivered again too, whatever their outcome, so that the order is kept; a
    /// [`Suspend`](OrderlyOutcome::Suspend) or [`Panicked`](OrderlyOutcome::Panicked) of theirs counts as an
    /// attempt.
    ///
    /// Messages without an outcome come at once with the next call. Without any outcome, and after a
    /// panic, the whole batch is suspended.
    fn consume(&self, batch: Vec<MessageExt>) -> impl Future<Output = Vec<OrderlyOutcome>> + Send;
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
    fn consume(&self, batch: Vec<MessageExt>) -> BoxFuture<'_, Vec<OrderlyOutcome>>;
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
                    let again = Outcome::Panicked {
                        delay_level: 0,
                        reason: format!("the listener panicked: {panic}"),
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
    fn consume(&self, batch: Vec<MessageExt>) -> BoxFuture<'_, Vec<OrderlyOutcome>> {
        let count = batch.len();
        let call = AssertUnwindSafe(async move { OrderlyListener::consume(self, batch).await });
        let outcome = call.catch_unwind();
        outcome
            .map(move |outcome| {
                outcome.unwrap_or_else(|panic| {
                    let panic = panic_text(&*panic);
                    tracing::error!(
                        panic,
                        "the listener panicked: the messages are delivered again after a pause"
                    );
                    let again = OrderlyOutcome::Panicked {
                        reason: format!("the listener panicked: {panic}"),
                    };
                    vec![again; count]
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
