//! The running consumer of a group, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use mq_core::client::PushConsumer;
use mq_core::clock::Clock;
use mq_core::tasks::Tasks;
use tokio_util::sync::CancellationToken;

use super::calls::OpenCalls;
use crate::ending::Ending;
use crate::stopping::ShutdownProblem;

/// A running consumer.
#[derive(Debug)]
pub(crate) struct RunningConsumer {
    consumer: PushConsumer,
    calls: Arc<OpenCalls>,
    /// Adds threads for its calls.
    tasks: Tasks,
    /// How long the end waits for handlers, if less than for everything.
    patience: Option<Duration>,
    clock: Clock,
}

impl RunningConsumer {
    pub(super) fn new(
        consumer: PushConsumer,
        calls: Arc<OpenCalls>,
        tasks: Tasks,
        patience: Option<Duration>,
        clock: &Clock,
    ) -> Self {
        Self {
            consumer,
            calls,
            tasks,
            patience,
            clock: clock.clone(),
        }
    }

    pub(crate) fn consumer(&self) -> &PushConsumer {
        &self.consumer
    }

    /// Stops pulling, waits for the handlers that have a message, and commits the offsets; returns
    /// what did not end in time. The outcome of a handler that ends later is ignored, and its message
    /// comes again.
    pub(crate) async fn stop(self, ending: &Ending) -> Vec<ShutdownProblem> {
        let stopped = CancellationToken::new();
        let patience = self.patience.unwrap_or(Duration::MAX);
        let limit = ending.left_for_work().min(patience);
        let stopping = async {
            let outcome = self.consumer.shutdown_with(limit, ending.left()).await;
            stopped.cancel();
            outcome
        };
        let late = stopped.run_until_cancelled(async {
            self.clock.sleep(limit).await;
            self.calls.unfinished()
        });
        let (outcome, late) = tokio::join!(stopping, late);
        self.calls.give_up();
        self.tasks.request_stop();
        let mut unfinished = late.unwrap_or_default();
        if unfinished.is_empty() && outcome.is_err() {
            // Both waited for the same moment, and the consumer was first: the listeners say more
            // than its tasks.
            unfinished = self.calls.unfinished();
        }
        let has_listeners = !unfinished.is_empty();
        let others = ShutdownProblem::tasks(outcome, Some(self.consumer.group()));
        unfinished.extend(
            others.filter(|other| !has_listeners || matches!(other, ShutdownProblem::Offsets(_))),
        );
        unfinished
    }
}
