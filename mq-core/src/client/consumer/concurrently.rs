//! Hands messages to the listener concurrently, in no particular order
//! (`ConsumeMessageConcurrentlyService`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::assigned::AssignedQueue;
use super::core::Core;
use super::listener::{AnyListener, DynConcurrent, Outcome};
use super::process_queue::ProcessQueue;
use super::received;
use super::retry::{self, FailedMessage};
use super::traced::{Answered, TracedCall};
use super::work_queue::ListenerBatch;
use crate::message::{MessageExt, QueueOffset};

/// Queues messages for the listener, in batches.
pub(super) fn submit(core: &Core, assigned: &Arc<AssignedQueue>, messages: Vec<MessageExt>) {
    let size = usize::from(core.config.consume_batch_size).max(1);
    if size == 1 {
        for message in messages {
            core.work.push(assigned, vec![message]);
        }
        return;
    }
    for batch in messages.chunks(size) {
        core.work.push(assigned, batch.to_vec());
    }
}

/// Calls the listener with one batch after another until the consumer stops. A running call is
/// always awaited.
pub(super) async fn work(core: Arc<Core>) {
    loop {
        let work = tokio::select! {
            biased;
            () = core.tasks.stopping() => return,
            work = next(&core) => work,
        };
        if let Some(work) = work {
            consume(&core, work).await;
        }
    }
}

/// The next batch, while the consumer is not paused.
async fn next(core: &Core) -> Option<ListenerBatch> {
    let batch = core.work.next().await;
    core.pause.over().await;
    batch
}

async fn consume(core: &Arc<Core>, work: ListenerBatch) {
    let ListenerBatch { assigned, batch } = work;
    let AnyListener::Concurrent(listener) = &core.listener else {
        return;
    };
    if assigned.is_dropped() {
        return;
    }
    let offsets: Vec<_> = batch.iter().map(|message| message.queue_offset).collect();
    assigned
        .held
        .lock()
        .start(&batch, core.cluster.clock.moment());
    let (readable, unreadable) = unpacked(batch);
    let mut outcomes = call(core, &**listener, readable).await.into_iter();
    let mut finished = Vec::with_capacity(offsets.len());
    for offset in offsets {
        let outcome = match unreadable.get(&offset) {
            Some(reason) => Outcome::DeadLetter {
                reason: reason.clone(),
            },
            // A message without an outcome is delivered again.
            None => outcomes.next().unwrap_or(Outcome::Later {
                delay_level: 0,
                reason: None,
            }),
        };
        if conclude(core, &assigned, offset, outcome).await {
            finished.push(offset);
        }
    }
    finish(core, &assigned, &finished);
}

/// Calls the listener, and has the call traced.
async fn call(core: &Core, listener: &dyn DynConcurrent, batch: Vec<MessageExt>) -> Vec<Outcome> {
    if batch.is_empty() {
        return Vec::new();
    }
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

/// The decompressed messages of a batch, and for the others why they cannot be decompressed.
fn unpacked(batch: Vec<MessageExt>) -> (Vec<MessageExt>, BTreeMap<QueueOffset, String>) {
    let mut readable = Vec::with_capacity(batch.len());
    let mut unreadable = BTreeMap::new();
    for message in batch {
        let offset = message.queue_offset;
        match received::unpacked(message) {
            Ok(message) => readable.push(message),
            Err(error) => drop(unreadable.insert(offset, error.to_string())),
        }
    }
    (readable, unreadable)
}

/// Carries out the listener's decision. Returns whether the message is finished, so that its offset
/// may be committed.
async fn conclude(
    core: &Arc<Core>,
    assigned: &Arc<AssignedQueue>,
    offset: QueueOffset,
    outcome: Outcome,
) -> bool {
    let (level, reason) = match outcome {
        Outcome::Done => return true,
        Outcome::Later {
            delay_level,
            reason,
        } => (i32::from(delay_level), reason),
        Outcome::Panicked {
            delay_level,
            reason,
        } => (i32::from(delay_level), Some(reason)),
        Outcome::DeadLetter { reason } => (-1, Some(reason)),
    };
    // The queue's new owner receives the message again anyway.
    if assigned.is_dropped() {
        return false;
    }
    // Gone: the message was overdue and has been sent back already.
    let Some(message) = assigned.held.lock().get(offset).cloned() else {
        return false;
    };
    let failed = FailedMessage {
        message: &message,
        level,
        reason: reason.as_deref(),
    };
    if retry::send_back(core, &assigned.queue, failed).await {
        return true;
    }
    retry_locally(core, assigned, offset);
    false
}

/// No broker takes the message back, so this consumer gives it to the listener again after a delay.
fn retry_locally(core: &Arc<Core>, assigned: &Arc<AssignedQueue>, offset: QueueOffset) {
    let Some(message) = assigned.held.lock().try_again(offset) else {
        return;
    };
    let (core, assigned) = (Arc::clone(core), Arc::clone(assigned));
    let tasks = core.tasks.clone();
    tasks.spawn_until_stop("another attempt", async move {
        core.cluster
            .clock
            .sleep(core.cluster.timings.local_retry)
            .await;
        core.work.push(&assigned, vec![message]);
    });
}

/// Removes finished messages and advances the queue's offset.
pub(super) fn finish(core: &Core, assigned: &AssignedQueue, offsets: &[QueueOffset]) {
    finish_by(core, assigned, |held| held.finish(offsets));
}

/// The same for messages that `finish` removes; it returns the offset that may then be committed.
pub(super) fn finish_by(
    core: &Core,
    assigned: &AssignedQueue,
    finish: impl FnOnce(&mut ProcessQueue) -> Option<QueueOffset>,
) {
    let mut held = assigned.held.lock();
    let committable = finish(&mut held);
    if let Some(offset) = committable.filter(|_| !assigned.is_dropped()) {
        core.offsets.advance(&assigned.queue, offset);
    }
    drop(held);
    assigned.finished.notify_one();
}
