//! Messages that a listener has had for longer than `consumeTimeout`
//! (`ConsumeMessageConcurrentlyService.cleanExpireMsg`).
//!
//! They are given back, so that they come again and hold their queue up no longer. The call goes on,
//! since nothing can end it from outside; its outcome no longer counts. In order there is no such
//! limit: nothing may pass a message whose call goes on.

use std::sync::Arc;
use std::time::Duration;

use super::assigned::Assigned;
use super::concurrently::finish;
use super::core::Core;
use super::listener::Listener;
use super::process_queue::Overdue;
use super::retry::{self, Failed};
use crate::clock::Moment;

/// The delay level of a message that took too long.
const LEVEL: i32 = 3;

/// Gives back what is overdue as soon as it is, until it is dropped.
pub(super) async fn run(core: Arc<Core>) {
    let limit = core.config.consume_timeout;
    let clock = &core.cluster.clock;
    loop {
        clock.sleep(until_the_next(&core, clock.moment())).await;
        for assigned in core.owned() {
            let overdue = assigned.held.lock().overdue(clock.moment(), limit);
            for overdue in overdue {
                give_back(&core, &assigned, overdue).await;
            }
        }
    }
}

/// What begins meanwhile is not due before.
fn until_the_next(core: &Core, now: Moment) -> Duration {
    let limit = core.config.consume_timeout;
    let owned = core.owned();
    let due = owned
        .iter()
        .filter_map(|assigned| assigned.held.lock().next_due(limit));
    due.min().map_or(limit, |due| due.since(now))
}

async fn give_back(core: &Core, assigned: &Assigned, overdue: Overdue) {
    let Overdue { message, age } = overdue;
    let (topic, group) = (&message.message.topic, &core.config.group);
    let listener = match &core.listener {
        Listener::Concurrent(listener) => listener.name(topic),
        Listener::Orderly(_) => return,
    };
    let (id, age) = (message.message_id(), in_millis(age));
    if !core.is_clustering() {
        finish(core, assigned, &[message.queue_offset]);
        tracing::warn!(
            listener, %topic, %group, id, ?age,
            "the listener takes longer than consumeTimeout: its queue goes on, as if the message \
             were done with"
        );
        return;
    }
    let reason = format!("{listener} has had the message for {age:?} and is not done with it");
    let failed = Failed {
        message: &message,
        level: LEVEL,
        reason: Some(&reason),
    };
    if retry::send_back(core, &assigned.queue, failed).await {
        finish(core, assigned, &[message.queue_offset]);
        tracing::warn!(
            listener, %topic, %group, id, ?age,
            "the listener takes longer than consumeTimeout: the message is handed over again while \
             the first call goes on, whose outcome no longer counts"
        );
        return;
    }
    let again = core.cluster.timings.local_retry;
    let until = core.cluster.clock.moment().plus(again);
    assigned.held.lock().put_off(message.queue_offset, until);
    tracing::warn!(
        listener, %topic, %group, id, ?age,
        "the listener takes longer than consumeTimeout, and nobody takes the message back"
    );
}

/// Nobody wants to read more digits.
fn in_millis(age: Duration) -> Duration {
    Duration::from_millis(u64::try_from(age.as_millis()).unwrap_or(u64::MAX))
}
