//! Messages that a listener has had for longer than `consumeTimeout`
//! (`ConsumeMessageConcurrentlyService.cleanExpireMsg`).
//!
//! They are sent back to the broker, so that they are delivered again and no longer hold back the
//! queue's offset. The call keeps running, since it cannot be cancelled; its outcome is ignored.
//! Orderly listeners have no such timeout, because no message may overtake a running call.

use std::sync::Arc;
use std::time::Duration;

use super::assigned::AssignedQueue;
use super::concurrently::finish;
use super::core::Core;
use super::listener::AnyListener;
use super::process_queue::OverdueMessage;
use super::retry::{self, FailedMessage};
use crate::clock::Moment;

/// The delay level of an overdue message.
const OVERDUE_DELAY_LEVEL: i32 = 3;

/// Sends overdue messages back as soon as they are overdue, until it is dropped.
pub(super) async fn run(core: Arc<Core>) {
    let limit = core.config.consume_timeout;
    let clock = &core.cluster.clock;
    loop {
        clock.sleep(until_the_next(&core, clock.moment())).await;
        for assigned in core.owned() {
            let overdue = assigned.held.lock().overdue(clock.moment(), limit);
            for overdue in overdue {
                send_overdue_back(&core, &assigned, overdue).await;
            }
        }
    }
}

/// A call that begins meanwhile is due later.
fn until_the_next(core: &Core, now: Moment) -> Duration {
    let limit = core.config.consume_timeout;
    let owned = core.owned();
    let due = owned
        .iter()
        .filter_map(|assigned| assigned.held.lock().next_due(limit));
    due.min().map_or(limit, |due| due.since(now))
}

async fn send_overdue_back(core: &Core, assigned: &AssignedQueue, overdue: OverdueMessage) {
    let OverdueMessage { message, age } = overdue;
    let (topic, group) = (&message.message.topic, &core.config.group);
    let listener = match &core.listener {
        AnyListener::Concurrent(listener) => listener.name(topic),
        AnyListener::Orderly(_) => return,
    };
    let (id, age) = (message.message_id(), in_millis(age));
    if !core.is_clustering() {
        finish(core, assigned, &[message.queue_offset]);
        tracing::warn!(
            listener, %topic, %group, id, ?age,
            "the listener takes longer than consumeTimeout: the message counts as finished, so that \
                 its queue continues"
        );
        return;
    }
    let reason = format!("{listener} has had the message for {age:?} and is not done with it");
    let failed = FailedMessage {
        message: &message,
        level: OVERDUE_DELAY_LEVEL,
        reason: Some(&reason),
    };
    if retry::send_back(core, &assigned.queue, failed).await {
        finish(core, assigned, &[message.queue_offset]);
        tracing::warn!(
            listener, %topic, %group, id, ?age,
            "the listener takes longer than consumeTimeout: the message is delivered again while \
                 the first call goes on, whose outcome is ignored"
        );
        return;
    }
    let again = core.cluster.timings.local_retry;
    let until = core.cluster.clock.moment().plus(again);
    assigned.held.lock().put_off(message.queue_offset, until);
    tracing::warn!(
        listener, %topic, %group, id, ?age,
        "the listener takes longer than consumeTimeout, and no broker takes the message back"
    );
}

/// Rounded to milliseconds for the log.
fn in_millis(age: Duration) -> Duration {
    Duration::from_millis(u64::try_from(age.as_millis()).unwrap_or(u64::MAX))
}
