//! Hands the messages of one queue over one after the other (`ConsumeMessageOrderlyService`).
//!
//! Nothing behind a message is handed over before it is finished, and nothing at all without a
//! lock that counts.

use std::sync::Arc;
use std::time::Duration;

use super::assigned::Assigned;
use super::core::Core;
use super::listener::{Listener, OrderlyOutcome};
use super::retry::{self, Failed};
use super::{concurrently, lock, received};
use crate::message::{MessageExt, QueueOffset};

/// Calls the listener until the queue is dropped or the consumer stops. A call that has begun is
/// finished.
pub(super) async fn run(core: Arc<Core>, assigned: Arc<Assigned>) {
    while let Some(batch) = or_end(&core, &assigned, next(&core, &assigned)).await {
        let Some(permit) = or_end(&core, &assigned, core.calls.acquire()).await else {
            return;
        };
        let pause = {
            let _consuming = assigned.consuming.lock().await;
            if assigned.is_dropped() || core.tasks.is_stopping() {
                return;
            }
            // The lock may have run out while other queues had all the calls.
            if !lock::is_valid(&core, &assigned) {
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

/// What `waiting` gives, or nothing when the queue or the consumer comes to its end first.
async fn or_end<T>(
    core: &Core,
    assigned: &Assigned,
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
async fn next(core: &Core, assigned: &Arc<Assigned>) -> Vec<MessageExt> {
    loop {
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

/// Calls the listener; gives how long to wait before the same messages come again.
async fn consume(core: &Core, assigned: &Assigned, batch: Vec<MessageExt>) -> Option<Duration> {
    let Listener::Orderly(listener) = &core.listener else {
        return None;
    };
    let (offsets, outcome) = match readable(batch) {
        Ok(batch) => {
            let offsets = batch.iter().map(|message| message.queue_offset).collect();
            (offsets, listener.consume(batch).await)
        }
        Err(Unreadable { offset, reason }) => (vec![offset], OrderlyOutcome::DeadLetter { reason }),
    };
    let (pause, level, reason) = match outcome {
        OrderlyOutcome::Done => {
            concurrently::finish(core, assigned, &offsets);
            return None;
        }
        OrderlyOutcome::Suspend { pause, reason } => {
            (pause.unwrap_or(core.config.suspend), 0, reason)
        }
        OrderlyOutcome::DeadLetter { reason } => (core.config.suspend, -1, Some(reason)),
    };
    let mut finished = Vec::new();
    for offset in &offsets {
        if give_up(core, assigned, *offset, level, reason.as_deref()).await {
            finished.push(*offset);
        } else {
            assigned.held.lock().try_again(*offset);
        }
    }
    let all = finished.len() == offsets.len();
    concurrently::finish(core, assigned, &finished);
    (!all).then_some(pause)
}

/// The first message of a batch, which no listener may have.
struct Unreadable {
    offset: QueueOffset,
    reason: String,
}

/// The messages before the first one that cannot be unpacked; that one, when it is the first.
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

/// Gets rid of a message that is hopeless or was tried often enough; whether that is done.
async fn give_up(
    core: &Core,
    assigned: &Assigned,
    offset: QueueOffset,
    level: i32,
    reason: Option<&str>,
) -> bool {
    let Some(message) = assigned.held.lock().get(offset).cloned() else {
        return true;
    };
    let failed = Failed {
        message: &message,
        level,
        reason,
    };
    if level < 0 {
        return retry::send_back(core, &assigned.queue, failed).await;
    }
    // The broker does not know of the attempts that were made here.
    failed.is_last(core) && retry::send_anew(core, failed).await
}
