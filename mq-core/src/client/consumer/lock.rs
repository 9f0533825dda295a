//! Locks on ordered queues, so that only one member of the group consumes each
//! (`RebalanceImpl.lock`).
//!
//! A lock is valid for a limited time after the broker has confirmed it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytestring::ByteString;

use super::assigned::AssignedQueue;
use super::core::Core;
use crate::client::queue_locks;
use crate::message::MessageQueue;

/// Renews all locks at intervals, until it is dropped; also the lock of a dropped queue while a
/// listener call is still running on it.
pub(super) async fn renew<T>(core: Arc<Core>) -> T {
    let clock = &core.cluster.clock;
    loop {
        clock.sleep(core.cluster.timings.lock_renewal).await;
        if core.is_locking() {
            let used: Vec<_> = {
                let assigned = core.assigned.lock();
                let used = assigned
                    .values()
                    .filter(|a| !a.is_dropped() || !a.is_idle());
                used.map(Arc::clone).collect()
            };
            confirm(&core, &used).await;
        }
    }
}

/// Whether the queue's lock is valid.
pub(super) fn is_valid(core: &Core, assigned: &AssignedQueue) -> bool {
    let now = core.cluster.clock.moment();
    let valid = core.cluster.timings.lock_valid;
    !core.is_locking() || assigned.locked_at().is_some_and(|at| now.since(at) < valid)
}

/// Requests the locks of assigned queues again and records which were confirmed. When a broker does
/// not respond, its locks stay valid until they expire.
pub(super) async fn confirm(core: &Core, owned: &[Arc<AssignedQueue>]) {
    let queues: Vec<_> = owned.iter().map(|owned| owned.queue.clone()).collect();
    let answers = ask(core, &queues).await;
    let now = core.cluster.clock.moment();
    for owned in owned {
        let Some(locked) = answers.get(&owned.queue.broker) else {
            continue;
        };
        if locked.contains(&owned.queue) {
            if owned.set_lock(Some(now)).is_none() {
                tracing::info!(queue = %owned.queue, "the broker has granted the queue's lock again");
            }
        } else if owned.set_lock(None).is_some() {
            tracing::warn!(queue = %owned.queue, "the broker refuses the queue's lock: nothing is consumed from it for now");
        }
    }
}

/// Requests locks; returns the queues that were locked.
pub(super) async fn acquire(core: &Core, queues: &[MessageQueue]) -> BTreeSet<MessageQueue> {
    ask(core, queues).await.into_values().flatten().collect()
}

/// Requests locks; returns the queues that were locked, for each broker that responds.
async fn ask(core: &Core, queues: &[MessageQueue]) -> BTreeMap<ByteString, BTreeSet<MessageQueue>> {
    let mut answers = BTreeMap::new();
    for (broker, queues) in by_broker(queues) {
        let Some(address) = core.cluster.master(broker) else {
            continue;
        };
        let group = core.config.group.to_text();
        match queue_locks::take(&core.cluster, &address, &group, queues).await {
            Ok(Ok(locked)) => {
                answers.insert(broker.into(), locked.into_iter().collect());
            }
            Ok(Err(error)) => {
                tracing::warn!(broker, %error, "the broker's list of locked queues cannot be read");
            }
            Err(error) if error.is_transport() => {
                tracing::debug!(broker, %error, "the queues could not be locked");
            }
            Err(error) => tracing::warn!(broker, %error, "the queues could not be locked"),
        }
    }
    answers
}

/// Releases locks.
pub(super) async fn release(core: &Core, queues: &[MessageQueue]) {
    for (broker, queues) in by_broker(queues) {
        let Some(address) = core.cluster.master(broker) else {
            continue;
        };
        let group = core.config.group.to_text();
        let released = queue_locks::give_back(&core.cluster, &address, &group, queues);
        if let Err(error) = released.await {
            tracing::debug!(broker, %error, "the locks could not be released; they expire by themselves");
        }
    }
}

fn by_broker(queues: &[MessageQueue]) -> BTreeMap<&str, Vec<MessageQueue>> {
    let mut by_broker: BTreeMap<&str, Vec<MessageQueue>> = BTreeMap::new();
    for queue in queues {
        by_broker
            .entry(&queue.broker)
            .or_default()
            .push(queue.clone());
    }
    by_broker
}
