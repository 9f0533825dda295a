//! Receives messages and hands them to a listener (`DefaultMQPushConsumer`).
//!
//! Each queue that is ours has one task that pulls. What it brings is handed to a limited number
//! of listener calls at a time; offsets are committed up to the lowest message not finished.

mod assigned;
mod builder;
mod concurrently;
mod listener;
mod lock;
mod mixed_group;
mod offsets;
mod orderly;
mod overdue;
pub(super) mod process_queue;
mod pull;
pub(super) mod rebalance;
mod received;
mod retry;
mod share;
mod stuck;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};

pub use builder::PushConsumerBuilder;
pub use listener::{ConcurrentListener, OrderlyListener, OrderlyOutcome, Outcome};
pub use process_queue::FlowLimits;
pub use rebalance::{Allocate, Rooms, Strategy};

use super::ConsumerConfig;
use super::cluster::Cluster;
use super::groups::Order;
use super::producer::Producer;
use crate::message::subscription::Subscription;
use crate::message::{GroupName, MessageQueue, QueueOffset, TopicName};
use crate::tasks::{Tasks, Unfinished};
use crate::wire::body::MessageModel;
use assigned::Assigned;
use concurrently::WorkQueue;
use listener::Listener;
use mixed_group::MixedGroup;
use offsets::{Commit, Offsets};
use stuck::Stuck;

/// A running consumer. Clones are the same one.
#[derive(Clone)]
pub struct PushConsumer(Arc<Core>);

/// What the tasks of one consumer share.
struct Core {
    cluster: Arc<Cluster>,
    config: ConsumerConfig,
    subscriptions: BTreeMap<TopicName, Subscription>,
    offsets: Offsets,
    listener: Listener,
    /// The queues that are ours.
    assigned: Mutex<BTreeMap<MessageQueue, Arc<Assigned>>>,
    stuck: Stuck,
    mixed: MixedGroup,
    /// What waits for a listener in no particular order.
    work: WorkQueue,
    /// Calls of a listener that takes messages in order.
    calls: Semaphore,
    /// For what the consumer itself sends to the retry topic.
    producer: Producer,
    orders: mpsc::Sender<Order>,
    tasks: Tasks,
}

impl PushConsumer {
    /// The group.
    pub fn group(&self) -> &GroupName {
        &self.0.config.group
    }

    /// The queues that are this consumer's at present.
    pub fn assignment(&self) -> Vec<MessageQueue> {
        self.0.assigned.lock().keys().cloned().collect()
    }

    /// Stops pulling, waits at most `limit` for the calls of the listener that are under way,
    /// commits what is finished, and leaves the group.
    ///
    /// Messages that no call had begun with are left for the next consumer.
    ///
    /// # Errors
    ///
    /// [`Unfinished`] when a call goes on; its messages come again.
    pub async fn shutdown(&self, limit: Duration) -> Result<(), Unfinished> {
        let core = &*self.0;
        let outcome = core.tasks.stop(limit).await;
        let assigned = std::mem::take(&mut *core.assigned.lock());
        for assigned in assigned.values() {
            assigned.drop_it();
        }
        let queues: Vec<_> = assigned.keys().cloned().collect();
        core.offsets.commit(&queues, Commit::Surely).await;
        if core.is_locking() {
            // A queue whose call goes on stays locked: nobody else may have it before.
            let idle = assigned.values().filter(|assigned| assigned.is_idle());
            let idle: Vec<_> = idle.map(|assigned| assigned.queue.clone()).collect();
            lock::release(core, &idle).await;
        }
        let group = &core.config.group;
        core.cluster.groups.lock().remove_consumer(group);
        core.cluster.unregister(None, Some(group)).await;
        outcome
    }
}

impl Core {
    fn is_clustering(&self) -> bool {
        self.config.message_model == MessageModel::Clustering
    }

    fn is_orderly(&self) -> bool {
        matches!(self.listener, Listener::Orderly(_))
    }

    /// Whether queues are locked at the broker: only where members share them in order.
    fn is_locking(&self) -> bool {
        self.is_orderly() && self.is_clustering()
    }

    fn owned(&self) -> Vec<Arc<Assigned>> {
        let assigned = self.assigned.lock();
        let owned = assigned.values().filter(|assigned| !assigned.is_dropped());
        owned.map(Arc::clone).collect()
    }

    /// The queue is not where we thought: it goes on at `offset` after the next round, which gives
    /// it up and takes it anew.
    fn move_to(&self, assigned: &Assigned, offset: QueueOffset) {
        assigned.drop_it();
        {
            // Whoever finishes a message holds this too, and sees afterwards that it is dropped.
            let _held = assigned.held.lock();
            self.offsets.set(&assigned.queue, offset);
        }
        self.share_again();
    }

    /// Asks for a round of sharing.
    fn share_again(&self) {
        if !Order::Rebalance.give(&self.orders) {
            tracing::trace!("the consumer has stopped sharing");
        }
    }
}

impl fmt::Debug for PushConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushConsumer")
            .field("group", self.group())
            .field("assignment", &self.assignment())
            .finish_non_exhaustive()
    }
}
