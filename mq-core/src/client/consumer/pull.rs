//! The loop that pulls from one queue (`DefaultMQPushConsumerImpl.pullMessage`).
//!
//! It is dropped at its current `.await` when the queue is dropped or the consumer stops.

use std::sync::Arc;

use super::assigned::AssignedQueue;
use super::core::Core;
use super::fetch::{FetchError, PullOutcome, PullPosition};
use super::{concurrently, failed_pull};
use crate::message::{MessageExt, QueueOffset};

pub(super) async fn run(core: Arc<Core>, assigned: Arc<AssignedQueue>) {
    tokio::select! {
        biased;
        () = assigned.dropped() => {}
        () = core.tasks.stopping() => {}
        next = pull(&core, &assigned) => core.move_to(&assigned, next),
    }
}

/// Pulls until the offset turns out to be outside the queue; returns the offset at which to
/// continue.
async fn pull(core: &Arc<Core>, assigned: &Arc<AssignedQueue>) -> QueueOffset {
    let timings = &core.cluster.timings;
    let clock = &core.cluster.clock;
    let mut position = PullPosition::at(assigned.start);
    loop {
        until_there_is_room(core, assigned).await;
        core.pause.over().await;
        if core.is_locking() && assigned.locked_at().is_none() {
            clock.sleep(timings.pull_pause).await;
            continue;
        }
        match once(core, assigned, &mut position).await {
            Ok(PullOutcome::Messages { messages, next }) => {
                position.next = next;
                if messages.is_empty() {
                    skip_to(core, assigned, next);
                } else {
                    hand_over(core, assigned, messages);
                }
                if !core.config.pull_interval.is_zero() {
                    clock.sleep(core.config.pull_interval).await;
                }
            }
            Ok(PullOutcome::Nothing { next }) => {
                position.next = next;
                skip_to(core, assigned, next);
            }
            Ok(PullOutcome::Moved { next }) => {
                let (queue, from) = (&assigned.queue, position.next);
                tracing::warn!(%queue, %from, to = %next, "the offset is outside the queue: continuing at another one");
                return next;
            }
            Err(error) => {
                let (cluster, refused_queues) = (&core.cluster, &core.refused_queues);
                let pause = failed_pull::handle(cluster, refused_queues, &assigned.queue, &error);
                position.ask_the_master();
                clock.sleep(pause).await;
            }
        }
    }
}

async fn until_there_is_room(core: &Core, assigned: &AssignedQueue) {
    loop {
        let finished = assigned.finished.notified();
        let limits = core.flow_of(&assigned.queue.topic);
        if !assigned.held.lock().is_full(limits, core.is_orderly()) {
            return;
        }
        finished.await;
    }
}

async fn once(
    core: &Core,
    assigned: &AssignedQueue,
    position: &mut PullPosition,
) -> Result<PullOutcome, FetchError> {
    let queue = &assigned.queue;
    let known = core.offsets.known(queue).filter(|offset| offset.0 > 0);
    let commit = known.filter(|_| core.is_clustering());
    let fetched = core.fetcher.fetch(queue, position, commit).await?;
    if core.refused_queues.end(queue) {
        tracing::info!(%queue, "the broker accepts pulls again");
    }
    Ok(fetched)
}

fn hand_over(core: &Arc<Core>, assigned: &Arc<AssignedQueue>, messages: Vec<MessageExt>) {
    if core.is_orderly() {
        assigned.held.lock().put(messages);
        assigned.arrived.notify_one();
        return;
    }
    assigned.held.lock().put(messages.clone());
    concurrently::submit(core, assigned, messages);
}

/// All messages before `next` were filtered out: when none is held, the offset advances to it.
fn skip_to(core: &Core, assigned: &AssignedQueue, next: QueueOffset) {
    let held = assigned.held.lock();
    if held.is_empty() && !assigned.is_dropped() {
        core.offsets.advance(&assigned.queue, next);
    }
}
