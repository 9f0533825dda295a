//! The loop that fetches from one queue ahead of what is asked for.
//!
//! A seek ends a pull that waits at the broker, so that the next one begins at once.

use std::sync::Arc;

use super::buffer::{Epoch, FetchTicket};
use super::core::Core;
use crate::client::consumer::failed_pull;
use crate::client::consumer::fetch::{FetchError, PullOutcome, PullPosition};
use crate::message::{MessageQueue, QueueOffset};

/// A queue is read from `start` on, unless it is being read already.
pub(super) fn assign(core: &Arc<Core>, queue: MessageQueue, start: QueueOffset) {
    if let Some(assigned) = core.buffer.assign(queue.clone(), start) {
        tracing::debug!(%queue, %start, "a queue is assigned to this consumer");
        let fetching = run(Arc::clone(core), queue, assigned);
        core.tasks.spawn_until_stop("fetching", fetching);
    }
}

/// Fetches until the queue's assignment is over.
async fn run(core: Arc<Core>, queue: MessageQueue, assigned: Epoch) {
    let mut position = PullPosition::at(QueueOffset(0));
    while let Some(ticket) = core.buffer.ticket(&queue, assigned).await {
        position.next = ticket.from;
        let subscribed = core.subscribed();
        let fetched = tokio::select! {
            biased;
            () = core.buffer.moved(&queue, ticket.epoch) => continue,
            fetched = subscribed.fetcher.fetch_lite(&queue, &mut position) => fetched,
        };
        if let Err(error) = keep(&core, &queue, ticket, fetched) {
            let pause = failed_pull::handle(&core.cluster, &core.refused_queues, &queue, &error);
            position.ask_the_master();
            let paused = core.cluster.clock.sleep(pause);
            tokio::select! {
                biased;
                () = core.buffer.moved(&queue, ticket.epoch) => {}
                () = paused => {}
            }
        }
    }
}

/// Buffers what a pull has brought.
fn keep(
    core: &Core,
    queue: &MessageQueue,
    ticket: FetchTicket,
    fetched: Result<PullOutcome, FetchError>,
) -> Result<(), FetchError> {
    let fetched = fetched?;
    if core.refused_queues.end(queue) {
        tracing::info!(%queue, "the broker accepts pulls again");
    }
    match fetched {
        PullOutcome::Messages { messages, next } => {
            core.buffer.put(queue, ticket, messages, next);
        }
        PullOutcome::Nothing { next } => core.buffer.put(queue, ticket, Vec::new(), next),
        PullOutcome::Moved { next } => {
            if core.buffer.jump(queue, ticket, next) {
                let from = ticket.from;
                tracing::warn!(%queue, %from, to = %next, "the offset is outside the queue, or the group was reset: continuing at another one");
            }
        }
    }
    Ok(())
}
