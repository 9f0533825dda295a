//! Locks on ordered queues, so that one member of the group has each (`RebalanceImpl.lock`).
//!
//! A lock counts only for a while after the broker has confirmed it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytestring::ByteString;

use super::assigned::Assigned;
use super::core::Core;
use crate::message::MessageQueue;
use crate::wire::body::{LockBatchRequestBody, LockBatchResponseBody};
use crate::wire::fastjson;
use crate::wire::header::{LockBatchMq, UnlockBatchMq};

/// Renews all locks from time to time, until it is dropped; also of a queue that is given up, for
/// as long as a call is under way.
pub(super) async fn renew(core: Arc<Core>) {
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

/// Whether the queue's lock still counts.
pub(super) fn is_valid(core: &Core, assigned: &Assigned) -> bool {
    let now = core.cluster.clock.moment();
    let valid = core.cluster.timings.lock_valid;
    !core.is_locking() || assigned.locked_at().is_some_and(|at| now.since(at) < valid)
}

/// Asks for the locks of queues that are ours, and notes which we have. Where nobody answers, a
/// lock counts on until its time is over.
pub(super) async fn confirm(core: &Core, owned: &[Arc<Assigned>]) {
    let queues: Vec<_> = owned.iter().map(|owned| owned.queue.clone()).collect();
    let answers = ask(core, &queues).await;
    let now = core.cluster.clock.moment();
    for owned in owned {
        let Some(locked) = answers.get(&owned.queue.broker) else {
            continue;
        };
        if locked.contains(&owned.queue) {
            if owned.set_lock(Some(now)).is_none() {
                tracing::info!(queue = %owned.queue, "the lock is ours again");
            }
        } else if owned.set_lock(None).is_some() {
            tracing::warn!(queue = %owned.queue, "the lock is not ours at present");
        }
    }
}

/// Asks for locks; gives those of the queues that are now ours.
pub(super) async fn acquire(core: &Core, queues: &[MessageQueue]) -> BTreeSet<MessageQueue> {
    ask(core, queues).await.into_values().flatten().collect()
}

/// Asks for locks; gives the queues that are now ours by broker, for each that answers.
async fn ask(core: &Core, queues: &[MessageQueue]) -> BTreeMap<ByteString, BTreeSet<MessageQueue>> {
    let mut answers = BTreeMap::new();
    for (broker, queues) in by_broker(queues) {
        let Some(address) = core.cluster.master(broker) else {
            continue;
        };
        let body = fastjson::write(&body(core, queues));
        let answer = core.cluster.call(&address, LockBatchMq, body).await;
        let answer = answer.map(|reply| fastjson::read::<LockBatchResponseBody>(&reply.body));
        match answer {
            Ok(Ok(answer)) => {
                let locked = answer.lock_ok_mq_set.into_iter().collect();
                answers.insert(broker.into(), locked);
            }
            Ok(Err(error)) => tracing::warn!(broker, %error, "no list of locks"),
            Err(error) if error.is_transport() => {
                tracing::debug!(broker, %error, "the queues could not be locked");
            }
            Err(error) => tracing::warn!(broker, %error, "the queues could not be locked"),
        }
    }
    answers
}

/// Gives locks back.
pub(super) async fn release(core: &Core, queues: &[MessageQueue]) {
    for (broker, queues) in by_broker(queues) {
        let Some(address) = core.cluster.master(broker) else {
            continue;
        };
        let body = fastjson::write(&body(core, queues));
        if let Err(error) = core.cluster.call(&address, UnlockBatchMq, body).await {
            tracing::debug!(broker, %error, "the locks stay until they run out");
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

fn body(core: &Core, queues: Vec<MessageQueue>) -> LockBatchRequestBody {
    LockBatchRequestBody {
        consumer_group: core.config.group.to_text(),
        client_id: core.cluster.client_id.clone(),
        mq_set: queues,
        only_this_broker: false,
    }
}
