//! Rebalancing: distributes the queues of each topic among the group's members, at intervals and on
//! changes (`RebalanceImpl`).
//!
//! When the members cannot be looked up, the assignment stays as it is: two consumers of a queue
//! for a moment are better than none.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::assigned::AssignedQueue;
use super::core::Core;
use super::membership::{self, Round};
use super::offsets::Commit;
use super::{directly, lock, orderly, pull, running_info};
use crate::client::groups::ConsumerCommand;
use crate::message::{MessageQueue, QueueOffset, TopicName};
use crate::wire::body::ResetOffsetBody;

/// How long a rebalance waits for a running listener call before it releases an ordered queue.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(1);

/// Rebalances and carries out commands, until it is dropped.
pub(super) async fn run(core: Arc<Core>, mut commands: mpsc::Receiver<ConsumerCommand>) {
    loop {
        let pause = round(&core).await.pause(&core.cluster.timings);
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
                ConsumerCommand::Describe(asker) => {
                    // Whoever asked may have gone.
                    let _unwanted = asker.send(running_info::of(&core));
                }
                ConsumerCommand::Consume(direct) => directly::begin(&core, *direct),
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

async fn round(core: &Arc<Core>) -> Round {
    let mut outcome = Round::Complete;
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
            membership::share(&core.cluster, &core.config, &route).await
        } else {
            Some(route.subscribe.clone())
        };
        let settled = match mine {
            Some(mine) => settle(core, topic, mine).await,
            None => Round::Incomplete,
        };
        outcome = outcome.and(settled);
    }
    outcome
}

/// Releases queues that are no longer assigned and takes newly assigned ones.
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
    let mut outcome = Round::Complete;
    for assigned in &before {
        let stays = mine.contains(&assigned.queue);
        let goes = !stays || assigned.is_dropped();
        if goes {
            outcome = outcome.and(release(core, assigned, stays).await);
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
            outcome = Round::Incomplete;
        }
        fresh.retain(|queue| locked.contains(queue));
    }
    for queue in fresh {
        // An offset from an earlier assignment is outdated: another member may have consumed since
        // (`removeDirtyOffset`).
        core.offsets.forget(&queue);
        let start = core.offsets.start(&queue, core.config.start_from);
        match start.await {
            Ok(start) => take(core, queue, start),
            Err(error) => {
                core.refused_queues.start_is_unknown(&queue, &error);
                outcome = Round::Incomplete;
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
async fn release(core: &Core, assigned: &AssignedQueue, anew: bool) -> Round {
    let queue = std::slice::from_ref(&assigned.queue);
    assigned.mark_dropped();
    if core.is_locking() {
        let consuming = assigned.consuming.lock();
        let clock = &core.cluster.clock;
        // While a listener call is running, no other member may have the queue.
        if clock.timeout(RELEASE_TIMEOUT, consuming).await.is_err() {
            return Round::Incomplete;
        }
    }
    let committed = core.offsets.commit(queue, Commit::Confirmed).await;
    // Without this commit, the queue would continue at the offset before the move.
    if anew && !committed {
        return Round::Incomplete;
    }
    tracing::debug!(queue = %assigned.queue, "a queue is no longer assigned to this consumer");
    core.offsets.forget(&assigned.queue);
    core.refused_queues.end(&assigned.queue);
    if core.is_locking() {
        lock::release(core, queue).await;
    }
    core.assigned.lock().remove(&assigned.queue);
    Round::Complete
}
