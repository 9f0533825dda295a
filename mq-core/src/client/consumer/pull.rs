//! One pull after the other for one queue (`DefaultMQPushConsumerImpl.pullMessage`).
//!
//! The loop ends where it waits, as soon as the queue is dropped or the consumer stops.

use std::sync::Arc;

use super::assigned::Assigned;
use super::concurrently;
use super::core::Core;
use super::fetch::{FetchError, Fetched, PullPosition};
use crate::message::{MessageExt, QueueOffset};
use crate::wire::ResponseCode;

pub(super) async fn run(core: Arc<Core>, assigned: Arc<Assigned>) {
    tokio::select! {
        biased;
        () = assigned.dropped() => {}
        () = core.tasks.stopping() => {}
        next = pull(&core, &assigned) => core.move_to(&assigned, next),
    }
}

/// Pulls until the offset turns out to be outside the queue; gives where it should go on.
async fn pull(core: &Arc<Core>, assigned: &Arc<Assigned>) -> QueueOffset {
    let timings = &core.cluster.timings;
    let clock = &core.cluster.clock;
    let mut position = PullPosition::at(assigned.start);
    loop {
        until_there_is_room(core, assigned).await;
        if core.is_locking() && assigned.locked_at().is_none() {
            clock.sleep(timings.pull_pause).await;
            continue;
        }
        match once(core, assigned, &mut position).await {
            Ok(Fetched::Messages { messages, next }) => {
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
            Ok(Fetched::Nothing { next }) => {
                position.next = next;
                skip_to(core, assigned, next);
            }
            Ok(Fetched::Moved { next }) => {
                let (queue, from) = (&assigned.queue, position.next);
                tracing::warn!(%queue, %from, to = %next, "the offset is outside the queue");
                return next;
            }
            Err(error) => {
                complain(core, assigned, &error);
                position.ask_the_master();
                let busy = error.code() == Some(ResponseCode::FLOW_CONTROL);
                let pause = if busy {
                    timings.flow_pause
                } else {
                    timings.pull_pause
                };
                clock.sleep(pause).await;
            }
        }
    }
}

async fn until_there_is_room(core: &Core, assigned: &Assigned) {
    loop {
        let finished = assigned.finished.notified();
        if !assigned
            .held
            .lock()
            .is_full(core.config.flow, core.is_orderly())
        {
            return;
        }
        finished.await;
    }
}

async fn once(
    core: &Core,
    assigned: &Assigned,
    position: &mut PullPosition,
) -> Result<Fetched, FetchError> {
    let queue = &assigned.queue;
    let known = core.offsets.known(queue).filter(|offset| offset.0 > 0);
    let commit = known.filter(|_| core.is_clustering());
    let fetched = core.fetcher.fetch(queue, position, commit).await?;
    if core.stuck.end(queue) {
        tracing::info!(%queue, "the broker lets us pull again");
    }
    Ok(fetched)
}

fn hand_over(core: &Arc<Core>, assigned: &Arc<Assigned>, messages: Vec<MessageExt>) {
    if core.is_orderly() {
        assigned.held.lock().put(messages);
        assigned.arrived.notify_one();
        return;
    }
    assigned.held.lock().put(messages.clone());
    concurrently::submit(core, assigned, messages);
}

/// Nothing before `next` is for us: when nothing is left to do, that much is done.
fn skip_to(core: &Core, assigned: &Assigned, next: QueueOffset) {
    let held = assigned.held.lock();
    if held.is_empty() && !assigned.is_dropped() {
        core.offsets.advance(&assigned.queue, next);
    }
}

/// A failed pull is ordinary while a broker restarts; whatever may cure it is set in motion.
fn complain(core: &Core, assigned: &Assigned, error: &FetchError) {
    let queue = &assigned.queue;
    match error.code() {
        Some(ResponseCode::SUBSCRIPTION_NOT_EXIST | ResponseCode::SUBSCRIPTION_NOT_LATEST) => {
            tracing::debug!(%queue, "the broker does not know our subscription yet");
            core.cluster.heartbeat_is_due();
        }
        Some(ResponseCode::FLOW_CONTROL) => tracing::debug!(%queue, "the broker is busy"),
        _ if error.is_transport() => {
            tracing::debug!(%queue, %error, "no messages");
            core.cluster.routes_are_stale();
        }
        _ if core.stuck.begin(queue) => {
            tracing::warn!(%queue, %error, "no messages; it is tried again and again");
        }
        _ => tracing::debug!(%queue, %error, "no messages"),
    }
}
