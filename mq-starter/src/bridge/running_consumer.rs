//! The running consumer of a group, and how it ends.

use std::sync::Arc;

use mq_core::client::PushConsumer;
use mq_core::clock::Clock;
use mq_core::tasks::Tasks;
use tokio_util::sync::CancellationToken;

use super::calls::List;
use super::errors::going_on;
use crate::ending::Ending;

/// A running consumer.
#[derive(Debug)]
pub(crate) struct RunningConsumer {
    consumer: PushConsumer,
    calls: Arc<List>,
    /// Adds threads for its calls.
    tasks: Tasks,
    clock: Clock,
}

impl RunningConsumer {
    pub(super) fn new(
        consumer: PushConsumer,
        calls: Arc<List>,
        tasks: Tasks,
        clock: &Clock,
    ) -> Self {
        Self {
            consumer,
            calls,
            tasks,
            clock: clock.clone(),
        }
    }

    /// Finishes what was taken and commits it; says what did not end in time. What its handlers
    /// still do has no outcome any more.
    pub(crate) async fn stop(self, ending: &Ending) -> Vec<String> {
        let stopped = CancellationToken::new();
        let stopping = async {
            let stopping = self.consumer.shutdown(ending.left_for_work());
            let outcome = self.clock.timeout(ending.left(), stopping).await;
            stopped.cancel();
            outcome
        };
        let late = stopped.run_until_cancelled(async {
            self.clock.sleep(ending.left_for_work()).await;
            self.calls.told()
        });
        let (outcome, late) = tokio::join!(stopping, late);
        self.calls.give_up();
        self.tasks.request_stop();
        let mut unfinished = late.unwrap_or_default();
        let group = self.consumer.group();
        match outcome {
            Ok(ended) if unfinished.is_empty() => {
                let of_group = |task| format!("{task} of the group `{group}`");
                unfinished.extend(going_on(ended).into_iter().map(of_group));
            }
            Ok(_) => {}
            Err(_elapsed) => unfinished.push(format!(
                "the offsets of the group `{group}` may not be committed: a broker does not answer"
            )),
        }
        unfinished
    }
}
