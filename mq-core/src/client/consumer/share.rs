//! Rebalancing: distributes the queues of each topic among the group's members, at intervals and on
//! changes (`RebalanceImpl`).
//!
//! When the members cannot be looked up, the assignment stays as it is: two consumers of a queue
//! for a moment are better than none.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use tokio::sync::mpsc;

use super::assigned::AssignedQueue;
use super::config::StartFrom;
use super::core::Core;
use super::offsets::{Commit, OffsetQueryError};
use super::{lock, orderly, pull};
use crate::client::groups::ConsumerCommand;
use crate::client::routes::{MASTER_ID, TopicRoute};
use crate::message::{MessageQueue, QueueOffset, TopicName};
use crate::wire::body::{ConsumerIds, ResetOffsetBody};
use crate::wire::fastjson;
use crate::wire::header::GetConsumerListByGroup;

/// How long a rebalance waits for a running listener call before it releases an ordered queue.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(1);

/// How a rebalance ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rebalance {
    Complete,
    Incomplete,
}

/// Rebalances and carries out commands, until it is dropped.
pub(super) async fn run(core: Arc<Core>, mut commands: mpsc::Receiver<ConsumerCommand>) {
    loop {
        let pause = match round(&core).await {
            Rebalance::Complete => core.cluster.timings.rebalance,
            Rebalance::Incomplete => core.cluster.timings.rebalance_again,
        };
        let mut order = core
            .cluster
            .clock
            .timeout(pause, commands.recv())
            .await
            .ok()
            .flatten();
        while let Some(next) = order {
            match next {
                ConsumerCommand::Reset(body) => reset(&core, &body),
                ConsumerCommand::Rebalance => core.subscription_check.request(),
            }
            order = commands.try_recv().ok();
        }
    }
}

/// Commits offsets at intervals, until it is dropped.
pub(super) async fn commit(core: Arc<Core>) {
    loop {
        core.cluster
            .clock
            .sleep(core.cluster.timings.offset_commit)
            .await;
        let queues: Vec<_> = core
            .owned()
            .iter()
            .map(|owned| owned.queue.clone())
            .collect();
        core.offsets.commit(&queues, Commit::OneWay).await;
    }
}

fn reset(core: &Core, body: &ResetOffsetBody) {
    // Includes queues that are marked as dropped: their offset is not committed yet.
    let ours: Vec<_> = core.assigned.lock().values().map(Arc::clone).collect();
    for assigned in ours {
        let offset = body.offset_table.get(&assigned.queue);
        if let Some(offset) = offset.and_then(|offset| QueueOffset::from_wire(*offset)) {
            core.move_to(&assigned, offset);
        }
    }
}

async fn round(core: &Arc<Core>) -> Rebalance {
    let mut outcome = Rebalance::Complete;
    for topic in core.subscriptions.keys() {
        let route = core
            .cluster
            .known_route(topic)
            .filter(|route| !route.from_template);
        // `find_topics` looks for topics without a route; a new route triggers a rebalance.
        let Some(route) = route.filter(|route| !route.subscribe.is_empty()) else {
            continue;
        };
        let mine = if core.is_clustering() {
            share(core, &route).await
        } else {
            Some(route.subscribe.clone())
        };
        let settled = match mine {
            Some(mine) => settle(core, topic, mine).await,
            None => Rebalance::Incomplete,
        };
        if settled == Rebalance::Incomplete {
            outcome = settled;
        }
    }
    outcome
}

/// This member's queues; `None` when the members cannot be looked up or this one is not among them.
async fn share(core: &Core, route: &TopicRoute) -> Option<Vec<MessageQueue>> {
    let me = &core.cluster.client_id;
    let mut ids = members(core, route).await.unwrap_or_default();
    if !ids.contains(me) {
        // The broker has not received a heartbeat yet, or has restarted since.
        core.cluster.heartbeat().await;
        ids = members(core, route).await.unwrap_or_default();
    }
    if !ids.contains(me) {
        return None;
    }
    ids.sort();
    let mut queues = route.subscribe.clone();
    queues.sort();
    Some(core.config.strategy.allocate(me, &queues, &ids))
}

/// The members of the group, from any broker of the topic.
async fn members(core: &Core, route: &TopicRoute) -> Option<Vec<ByteString>> {
    let mut brokers: Vec<_> = route.brokers.values().collect();
    let skip = usize::try_from(core.cluster.clock.now_ms()).unwrap_or(0);
    let middle = skip.checked_rem(brokers.len())?;
    brokers.rotate_left(middle);
    for broker in brokers {
        let Some(address) = broker.get(&MASTER_ID).or_else(|| broker.values().next()) else {
            continue;
        };
        let request = GetConsumerListByGroup {
            consumer_group: core.config.group.to_text(),
        };
        let answer = core.cluster.call(address, request, Bytes::new()).await;
        let ids = answer.map(|reply| fastjson::read::<ConsumerIds>(&reply.body));
        match ids {
            Ok(Ok(ids)) if !ids.consumer_id_list.is_empty() => return Some(ids.consumer_id_list),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(%address, %error, "the broker's list of members cannot be read");
            }
            Err(error) => {
                tracing::debug!(%address, %error, "the members of the group could not be looked up");
            }
        }
    }
    None
}

/// Releases queues that are no longer assigned and takes newly assigned ones.
async fn settle(core: &Arc<Core>, topic: &TopicName, mine: Vec<MessageQueue>) -> Rebalance {
    let mine: BTreeSet<_> = mine
        .into_iter()
        .filter(|queue| queue.topic == *topic)
        .collect();
    let before: Vec<_> = {
        let assigned = core.assigned.lock();
        let of_topic = assigned
            .values()
            .filter(|assigned| assigned.queue.topic == *topic);
        of_topic.map(Arc::clone).collect()
    };
    let mut outcome = Rebalance::Complete;
    for assigned in &before {
        let stays = mine.contains(&assigned.queue);
        let goes = !stays || assigned.is_dropped();
        if goes && release(core, assigned, stays).await == Rebalance::Incomplete {
            outcome = Rebalance::Incomplete;
        }
    }
    let mut fresh: Vec<_> = {
        let assigned = core.assigned.lock();
        mine.into_iter()
            .filter(|queue| !assigned.contains_key(queue))
            .collect()
    };
    if core.is_locking() && !fresh.is_empty() {
        let locked = lock::acquire(core, &fresh).await;
        if locked.len() < fresh.len() {
            outcome = Rebalance::Incomplete;
        }
        fresh.retain(|queue| locked.contains(queue));
    }
    for queue in fresh {
        // An offset from an earlier assignment is outdated: another member may have consumed since
        // (`removeDirtyOffset`).
        core.offsets.forget(&queue);
        match start_offset(core, &queue).await {
            Ok(start) => take(core, queue, start),
            Err(error) => {
                if !error.is_transport() && core.refused_queues.begin(&queue) {
                    tracing::warn!(%queue, %error, "the queue is not consumed yet: where to start is not known");
                } else {
                    tracing::debug!(%queue, %error, "the queue is not consumed yet: where to start is not known");
                }
                outcome = Rebalance::Incomplete;
            }
        }
    }
    outcome
}

fn take(core: &Arc<Core>, queue: MessageQueue, start: QueueOffset) {
    tracing::debug!(%queue, %start, "a queue is assigned to this consumer");
    let assigned = Arc::new(AssignedQueue::new(queue.clone(), start));
    if core.is_locking() {
        assigned.set_lock(Some(core.cluster.clock.moment()));
    }
    core.assigned.lock().insert(queue, Arc::clone(&assigned));
    let pulling = pull::run(Arc::clone(core), Arc::clone(&assigned));
    core.tasks.spawn("pulling", pulling);
    if core.is_orderly() {
        let consuming = orderly::run(Arc::clone(core), assigned);
        core.tasks.spawn("listener in order", consuming);
    }
}

/// Releases a queue, for good or, with `anew`, to take it again at the offset that it was moved to.
async fn release(core: &Core, assigned: &AssignedQueue, anew: bool) -> Rebalance {
    let queue = std::slice::from_ref(&assigned.queue);
    assigned.mark_dropped();
    if core.is_locking() {
        let consuming = assigned.consuming.lock();
        let clock = &core.cluster.clock;
        // While a listener call is running, no other member may have the queue.
        if clock.timeout(RELEASE_TIMEOUT, consuming).await.is_err() {
            return Rebalance::Incomplete;
        }
    }
    let committed = core.offsets.commit(queue, Commit::Confirmed).await;
    // Without this commit, the queue would continue at the offset before the move.
    if anew && !committed {
        return Rebalance::Incomplete;
    }
    tracing::debug!(queue = %assigned.queue, "a queue is no longer assigned to this consumer");
    core.offsets.forget(&assigned.queue);
    core.refused_queues.end(&assigned.queue);
    if core.is_locking() {
        lock::release(core, queue).await;
    }
    core.assigned.lock().remove(&assigned.queue);
    Rebalance::Complete
}

/// The offset at which to start a newly assigned queue (`computePullFromWhereWithException`).
async fn start_offset(core: &Core, queue: &MessageQueue) -> Result<QueueOffset, OffsetQueryError> {
    if let Some(kept) = core.offsets.committed(queue).await? {
        return Ok(kept);
    }
    match core.config.start_from {
        StartFrom::FirstOffset => Ok(QueueOffset(0)),
        StartFrom::LastOffset if queue.topic.is_retry() => Ok(QueueOffset(0)),
        StartFrom::LastOffset => end_of_known(core, queue).await,
        StartFrom::Timestamp(_) if queue.topic.is_retry() => core.offsets.end(queue).await,
        StartFrom::Timestamp(at) => core.offsets.at_time(queue, at).await,
    }
}

/// The end of a queue of which the broker has just said that the group has no offset in it. A queue
/// that was empty then may have its first message now. Whoever starts behind it loses it, so the
/// broker is asked once more: it answers 0 for a queue whose first message is still in memory.
async fn end_of_known(core: &Core, queue: &MessageQueue) -> Result<QueueOffset, OffsetQueryError> {
    let end = core.offsets.end(queue).await?;
    if end == QueueOffset(0) {
        return Ok(end);
    }
    Ok(core.offsets.committed(queue).await?.unwrap_or(end))
}
