//! Which queues are ours: shared with the other members, again and again (`RebalanceImpl`).
//!
//! Whenever the members cannot be learnt we keep what we have: two consumers of a queue for a
//! moment are better than none.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use tokio::sync::mpsc;

use super::assigned::Assigned;
use super::config::StartFrom;
use super::core::Core;
use super::offsets::{Commit, Unknown};
use super::{lock, orderly, pull};
use crate::client::groups::Order;
use crate::client::routes::{MASTER, TopicRoute};
use crate::message::{MessageQueue, QueueOffset, TopicName};
use crate::wire::body::{ConsumerIds, ResetOffsetBody};
use crate::wire::fastjson;
use crate::wire::header::GetConsumerListByGroup;

/// How long a call of the listener may hold up the release of an ordered queue at a time.
const RELEASE_PATIENCE: Duration = Duration::from_secs(1);

/// How a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    Settled,
    Unsettled,
}

/// Shares the queues, and carries out orders, until it is dropped.
pub(super) async fn run(core: Arc<Core>, mut orders: mpsc::Receiver<Order>) {
    loop {
        let pause = match round(&core).await {
            Round::Settled => core.cluster.timings.rebalance,
            Round::Unsettled => core.cluster.timings.rebalance_again,
        };
        let mut order = core
            .cluster
            .clock
            .timeout(pause, orders.recv())
            .await
            .ok()
            .flatten();
        while let Some(next) = order {
            match next {
                Order::Reset(body) => reset(&core, &body),
                Order::Rebalance => core.mixed.look(),
            }
            order = orders.try_recv().ok();
        }
    }
}

/// Commits offsets from time to time, until it is dropped.
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
        core.offsets.commit(&queues, Commit::InPassing).await;
    }
}

fn reset(core: &Core, body: &ResetOffsetBody) {
    // A queue that was dropped a moment ago is still ours until it has been committed.
    let ours: Vec<_> = core.assigned.lock().values().map(Arc::clone).collect();
    for assigned in ours {
        let offset = body.offset_table.get(&assigned.queue);
        if let Some(offset) = offset.and_then(|offset| QueueOffset::from_wire(*offset)) {
            core.move_to(&assigned, offset);
        }
    }
}

async fn round(core: &Arc<Core>) -> Round {
    let mut outcome = Round::Settled;
    for topic in core.subscriptions.keys() {
        let route = core
            .cluster
            .known_route(topic)
            .filter(|route| !route.from_template);
        // A topic that nobody knows yet is looked for elsewhere, and its route wakes us.
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
            None => Round::Unsettled,
        };
        if settled == Round::Unsettled {
            outcome = settled;
        }
    }
    outcome
}

/// Our share, when the members can be learnt and we are one of them.
async fn share(core: &Core, route: &TopicRoute) -> Option<Vec<MessageQueue>> {
    let me = &core.cluster.client_id;
    let mut ids = members(core, route).await.unwrap_or_default();
    if !ids.contains(me) {
        // The broker has not heard of us yet, or no longer knows us since it started again.
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
        let Some(address) = broker.get(&MASTER).or_else(|| broker.values().next()) else {
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
            Ok(Err(error)) => tracing::warn!(%address, %error, "no list of members"),
            Err(error) => tracing::debug!(%address, %error, "the members are not known"),
        }
    }
    None
}

/// Gives up what is no longer ours and takes what is.
async fn settle(core: &Arc<Core>, topic: &TopicName, mine: Vec<MessageQueue>) -> Round {
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
    let mut outcome = Round::Settled;
    for assigned in &before {
        let stays = mine.contains(&assigned.queue);
        let goes = !stays || assigned.is_dropped();
        if goes && release(core, assigned, stays).await == Round::Unsettled {
            outcome = Round::Unsettled;
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
            outcome = Round::Unsettled;
        }
        fresh.retain(|queue| locked.contains(queue));
    }
    for queue in fresh {
        // What we knew is from before; others may have been here (`removeDirtyOffset`).
        core.offsets.forget(&queue);
        match start_offset(core, &queue).await {
            Ok(start) => take(core, queue, start),
            Err(error) => {
                if !error.is_transport() && core.stuck.begin(&queue) {
                    tracing::warn!(%queue, %error, "the queue has to wait");
                } else {
                    tracing::debug!(%queue, %error, "the queue has to wait");
                }
                outcome = Round::Unsettled;
            }
        }
    }
    outcome
}

fn take(core: &Arc<Core>, queue: MessageQueue, start: QueueOffset) {
    tracing::debug!(%queue, %start, "a queue is ours");
    let assigned = Arc::new(Assigned::new(queue.clone(), start));
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

/// Gives a queue up, for good or to take it anew at the offset that it was moved to.
async fn release(core: &Core, assigned: &Assigned, anew: bool) -> Round {
    let queue = std::slice::from_ref(&assigned.queue);
    assigned.drop_it();
    if core.is_locking() {
        let consuming = assigned.consuming.lock();
        let clock = &core.cluster.clock;
        // As long as a call is under way nobody else may have the queue.
        if clock.timeout(RELEASE_PATIENCE, consuming).await.is_err() {
            return Round::Unsettled;
        }
    }
    let committed = core.offsets.commit(queue, Commit::Surely).await;
    // Taken anew without it, the queue would go on where it was before it was moved.
    if anew && !committed {
        return Round::Unsettled;
    }
    tracing::debug!(queue = %assigned.queue, "a queue is no longer ours");
    core.offsets.forget(&assigned.queue);
    core.stuck.end(&assigned.queue);
    if core.is_locking() {
        lock::release(core, queue).await;
    }
    core.assigned.lock().remove(&assigned.queue);
    Round::Settled
}

/// Where a queue that has become ours begins (`computePullFromWhereWithException`).
async fn start_offset(core: &Core, queue: &MessageQueue) -> Result<QueueOffset, Unknown> {
    if let Some(kept) = core.offsets.kept(queue).await? {
        return Ok(kept);
    }
    match core.config.start_from {
        StartFrom::FirstOffset => Ok(QueueOffset(0)),
        StartFrom::LastOffset if queue.topic.is_retry() => Ok(QueueOffset(0)),
        StartFrom::LastOffset => core.offsets.end(queue).await,
        StartFrom::Timestamp(_) if queue.topic.is_retry() => core.offsets.end(queue).await,
        StartFrom::Timestamp(at) => core.offsets.at_time(queue, at).await,
    }
}
