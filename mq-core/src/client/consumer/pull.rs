//! One pull after the other for one queue (`DefaultMQPushConsumerImpl.pullMessage`).
//!
//! The loop ends where it waits, as soon as the queue is dropped or the consumer stops.

use std::sync::Arc;

use bytes::Bytes;

use super::assigned::Assigned;
use super::{Core, concurrently, received};
use crate::client::routes::MASTER;
use crate::message::{MessageExt, QueueOffset};
use crate::remoting::CallError;
use crate::wire::header::PullMessage;
use crate::wire::{Refusal, ResponseCode};

/// What a pull brought.
enum Pulled {
    Messages {
        messages: Vec<MessageExt>,
        next: QueueOffset,
    },
    Nothing {
        next: QueueOffset,
    },
    /// The offset is outside the queue.
    Moved {
        next: QueueOffset,
    },
}

/// Where to go on.
struct Position {
    next: QueueOffset,
    broker_id: i64,
}

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
    let mut position = Position {
        next: assigned.start,
        broker_id: MASTER,
    };
    loop {
        until_there_is_room(core, assigned).await;
        if core.is_locking() && assigned.locked_at().is_none() {
            clock.sleep(timings.pull_pause).await;
            continue;
        }
        match once(core, assigned, &mut position).await {
            Ok(Pulled::Messages { messages, next }) => {
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
            Ok(Pulled::Nothing { next }) => {
                position.next = next;
                skip_to(core, assigned, next);
            }
            Ok(Pulled::Moved { next }) => {
                let (queue, from) = (&assigned.queue, position.next);
                tracing::warn!(%queue, %from, to = %next, "the offset is outside the queue");
                return next;
            }
            Err(error) => {
                complain(core, assigned, &error);
                position.broker_id = MASTER;
                let busy = code_of(&error) == Some(ResponseCode::FLOW_CONTROL);
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
    position: &mut Position,
) -> Result<Pulled, CallError> {
    let queue = &assigned.queue;
    let address = core.cluster.address(&queue.broker, position.broker_id);
    let address = address.ok_or_else(|| CallError::Connect {
        address: queue.broker.to_string(),
        source: std::io::ErrorKind::AddrNotAvailable.into(),
    })?;
    let request = request(core, assigned, position.next);
    let limit = core.cluster.timings.pull_timeout;
    let call = core
        .cluster
        .call_within(limit, &address, request, Bytes::new());
    let reply = call.await?;
    if core.stuck.end(queue) {
        tracing::info!(%queue, "the broker lets us pull again");
    }
    position.broker_id = reply.header.suggest_which_broker_id;
    let next = QueueOffset::from_wire(reply.header.next_begin_offset).unwrap_or_default();
    Ok(match reply.code {
        ResponseCode::SUCCESS => {
            let messages = received::read(&reply.body).map_err(|error| {
                CallError::Refused(Refusal::system(format!(
                    "the records cannot be read: {error}"
                )))
            })?;
            Pulled::Messages {
                messages: received::wanted(core, &queue.topic, messages),
                next,
            }
        }
        ResponseCode::PULL_OFFSET_MOVED => Pulled::Moved { next },
        _ => Pulled::Nothing { next },
    })
}

fn request(core: &Core, assigned: &Assigned, from: QueueOffset) -> PullMessage {
    let queue = &assigned.queue;
    let known = core.offsets.known(queue).filter(|offset| offset.0 > 0);
    let commit = known.filter(|_| core.is_clustering());
    let subscription = core.subscriptions.get(&queue.topic);
    let suspend = core.cluster.timings.pull_suspend.as_millis();
    PullMessage {
        consumer_group: core.config.group.to_text(),
        topic: queue.topic.to_text(),
        queue_id: queue.id,
        queue_offset: from.to_wire(),
        max_msg_nums: core.config.pull_batch_size.into(),
        sys_flag: PullMessage::SUSPEND | commit.map_or(0, |_| PullMessage::COMMIT),
        commit_offset: commit.unwrap_or_default().to_wire(),
        suspend_timeout_millis: i64::try_from(suspend).unwrap_or(i64::MAX),
        subscription: None,
        sub_version: subscription.map_or(0, |subscription| subscription.version),
        expression_type: subscription.map(|wanted| wanted.selector.as_str().into()),
        max_msg_bytes: i32::try_from(core.config.pull_batch_bytes).ok(),
        broker_name: Some(queue.broker.clone()),
    }
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

fn code_of(error: &CallError) -> Option<ResponseCode> {
    error.refusal().map(|refusal| refusal.code)
}

/// A failed pull is ordinary while a broker restarts; whatever may cure it is set in motion.
fn complain(core: &Core, assigned: &Assigned, error: &CallError) {
    let queue = &assigned.queue;
    match code_of(error) {
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
