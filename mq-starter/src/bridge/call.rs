//! One call of a listener: which message it has, since when, and whether it holds its thread.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

use mq_core::clock::{Clock, Moment};
use mq_core::message::TopicName;
use parking_lot::Mutex;

use crate::stopping::ShutdownProblem;

/// A call that is under way, or was.
#[derive(Debug)]
pub(super) struct Call {
    listener: &'static str,
    topic: TopicName,
    message_id: String,
    begun: Moment,
    hold: Mutex<ThreadHold>,
    clock: Clock,
}

/// A thread is held from one `.await` to the next.
#[derive(Debug, Default)]
struct ThreadHold {
    since: Option<Moment>,
    longest: Duration,
}

impl Call {
    /// Begins now.
    pub(super) fn begin(
        listener: &'static str,
        topic: TopicName,
        message_id: String,
        clock: Clock,
    ) -> Self {
        Self {
            listener,
            topic,
            message_id,
            begun: clock.moment(),
            hold: Mutex::default(),
            clock,
        }
    }

    /// Runs `handler` and notes how long it holds its thread at a time.
    pub(super) async fn measure<T>(&self, handler: impl Future<Output = T>) -> T {
        let mut handler = pin!(handler);
        poll_fn(|context| {
            self.hold.lock().since = Some(self.clock.moment());
            let polled = handler.as_mut().poll(context);
            let mut hold = self.hold.lock();
            if let Some(since) = hold.since.take() {
                let took = self.clock.moment().since(since);
                hold.longest = hold.longest.max(took);
            }
            polled
        })
        .await
    }

    /// Since when it has held its thread, when it does now.
    pub(super) fn holds_since(&self) -> Option<Moment> {
        self.hold.lock().since
    }

    /// How long it held its thread at most; the hold that goes on counts.
    pub(super) fn longest_hold(&self) -> Duration {
        let hold = self.hold.lock();
        let now = self.clock.moment();
        let present = hold.since.map_or(Duration::ZERO, |since| now.since(since));
        hold.longest.max(present)
    }

    /// The listener that has the message.
    pub(super) fn listener(&self) -> (&'static str, &TopicName) {
        (self.listener, &self.topic)
    }

    /// The message that it has.
    pub(super) fn message_id(&self) -> &str {
        &self.message_id
    }

    /// What it is when it has not ended at the application's end.
    pub(super) fn unfinished(&self) -> ShutdownProblem {
        ShutdownProblem::Listener {
            listener: self.listener,
            topic: self.topic.clone(),
            message_id: self.message_id.clone(),
            held: self.clock.moment().since(self.begun),
        }
    }
}
