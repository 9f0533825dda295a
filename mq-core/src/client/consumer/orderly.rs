//! Hands the messages of one queue over one after the other (`ConsumeMessageOrderlyService`).
//!
//! Invariant: no message is handed over before the one before it is finished, and none without a
//! valid lock.

use std::sync::Arc;
use std::time::Duration;

use super::assigned::AssignedQueue;
use super::core::Core;
use super::listener::{AnyListener, DynOrderly, OrderlyOutcome};
use super::retry::{self, FailedMessage};
use super::traced::{Answered, TracedCall};
use super::{concurrently, lock, received};
use crate::message::{MessageExt, QueueOffset};

/// Calls the listener until the queue is dropped or the consumer stops. A running call is always
/// awaited.
pub(super) async fn run(core: Arc<Core>, assigned: Arc<AssignedQueue>) {
    while let Some(batch) = or_end(&core, &assigned, next(&core, &assigned)).await {
        let Some(permit) = or_end(&core, &assigned, core.calls.acquire()).await else {
            return;
        };
        let pause = {
            let _consuming = assigned.consuming.lock().await;
            if assigned.is_dropped() || core.tasks.is_stopping() {
                return;
            }
            // The lock may have expired, or the consumer been paused, while other queues held all
            // permits.
            if core.pause.is_on() || !lock::is_valid(&core, &assigned) {
                continue;
            }
            consume(&core, &assigned, batch).await
        };
        drop(permit);
        if let Some(pause) = pause {
            let pause = OrderlyOutcome::within_limits(pause);
            let pause = core.cluster.clock.sleep(pause);
            if or_end(&core, &assigned, pause).await.is_none() {
                return;
            }
        }
    }
}

/// The output of `waiting`, or `None` when the queue is dropped or the consumer stops first.
async fn or_end<T>(
    core: &Core,
    assigned: &AssignedQueue,
    waiting: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        () = assigned.dropped() => None,
        () = core.tasks.stopping() => None,
        outcome = waiting => Some(outcome),
    }
}

/// The next messages, as soon as there are some and the queue is locked.
async fn next(core: &Core, assigned: &Arc<AssignedQueue>) -> Vec<MessageExt> {
    loop {
        core.pause.over().await;
        let arrived = assigned.arrived.notified();
        let batch = assigned
            .held
            .lock()
            .first(core.config.consume_batch_size.into());
        if batch.is_empty() {
            arrived.await;
            continue;
        }
        if lock::is_valid(core, assigned) {
            return batch;
        }
        lock::confirm(core, std::slice::from_ref(assigned)).await;
        if !lock::is_valid(core, assigned) {
            core.cluster
                .clock
                .sleep(core.cluster.timings.lock_retry)
                .await;
        }
    }
}

/// Calls the listener. Returns the pause before messages are delivered again, or `None` when the next
/// ones follow at once.
async fn consume(
    core: &Core,
    assigned: &AssignedQueue,
    batch: Vec<MessageExt>,
) -> Option<Duration> {
    let AnyListener::Orderly(listener) = &core.listener else {
        return None;
    };
    let (offsets, mut outcomes) = match readable(batch) {
        Ok(batch) => {
            let offsets: Vec<_> = batch.iter().map(|message| message.queue_offset).collect();
            (offsets, call(core, &**listener, batch).await)
        }
        Err(Unreadable { offset, reason }) => {
            (vec![offset], vec![OrderlyOutcome::DeadLetter { reason }])
        }
    };
    if outcomes.is_empty() {
        let suspend = OrderlyOutcome::Suspend {
            pause: None,
            reason: None,
        };
        outcomes = vec![suspend; offsets.len()];
    }
    let mut messages = offsets.into_iter().zip(outcomes);
    while let Some((offset, outcome)) = messages.next() {
        let pause = conclude(core, assigned, offset, outcome).await;
        if pause.is_some() {
            for (offset, outcome) in messages {
                if outcome.is_attempt() {
                    assigned.held.lock().try_again(offset);
                }
            }
            return pause;
        }
    }
    None
}

/// Calls the listener, and has the call traced.
async fn call(
    core: &Core,
    listener: &dyn DynOrderly,
    batch: Vec<MessageExt>,
) -> Vec<OrderlyOutcome> {
    let tracer = core.tracer.as_ref();
    let record = tracer.map(|tracer| TracedCall::begin(tracer, &batch));
    let outcomes = listener.consume(batch).await;
    if let Some(record) = record {
        record.end(
            outcomes.iter().map(Answered::from),
            core.config.consume_timeout,
        );
    }
    outcomes
}

/// Carries out the outcome of one message. Returns the pause when it is delivered again.
async fn conclude(
    core: &Core,
    assigned: &AssignedQueue,
    offset: QueueOffset,
    outcome: OrderlyOutcome,
) -> Option<Duration> {
    let usual = core.config.suspend;
    let (pause, level, reason) = match outcome {
        OrderlyOutcome::Done => {
            concurrently::finish_by(core, assigned, |held| held.finish_to(offset));
            return None;
        }
        OrderlyOutcome::Uncommitted => {
            assigned.held.lock().keep_uncommitted(offset);
            return None;
        }
        OrderlyOutcome::RollBack { pause } => {
            assigned.held.lock().roll_back();
            return Some(pause.unwrap_or(usual));
        }
        OrderlyOutcome::Suspend { pause, reason } => (pause.unwrap_or(usual), 0, reason),
        OrderlyOutcome::Panicked { reason } => (usual, 0, Some(reason)),
        OrderlyOutcome::DeadLetter { reason } => (usual, -1, Some(reason)),
    };
    if give_up(core, assigned, offset, level, reason.as_deref()).await {
        concurrently::finish(core, assigned, &[offset]);
        return None;
    }
    assigned.held.lock().try_again(offset);
    Some(pause)
}

/// The first message of a batch, which cannot be decompressed.
struct Unreadable {
    offset: QueueOffset,
    reason: String,
}

/// The messages before the first one that cannot be decompressed, or that one when it is the first.
fn readable(batch: Vec<MessageExt>) -> Result<Vec<MessageExt>, Unreadable> {
    let mut readable = Vec::with_capacity(batch.len());
    for message in batch {
        let offset = message.queue_offset;
        match received::unpacked(message) {
            Ok(message) => readable.push(message),
            Err(error) if readable.is_empty() => {
                let reason = error.to_string();
                return Err(Unreadable { offset, reason });
            }
            Err(_its_turn_comes) => break,
        }
    }
    Ok(readable)
}

/// Makes a message a dead letter if the listener said so or its retries are used up. Returns
/// whether it is finished.
async fn give_up(
    core: &Core,
    assigned: &AssignedQueue,
    offset: QueueOffset,
    level: i32,
    reason: Option<&str>,
) -> bool {
    let Some(message) = assigned.held.lock().get(offset).cloned() else {
        return true;
    };
    let failed = FailedMessage {
        message: &message,
        level,
        reason,
    };
    if level < 0 {
        return retry::send_back(core, &assigned.queue, failed).await;
    }
    // The attempts were made locally, so the broker does not know their number: send the message
    // with it.
    failed.is_last(core) && retry::send_to_retry_topic(core, failed).await
}
