//! What the tasks of one consumer share.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};

use super::assigned::Assigned;
use super::config::ConsumerConfig;
use super::fetch::Fetcher;
use super::listener::Listener;
use super::mixed_group::MixedGroup;
use super::offsets::Offsets;
use super::stuck::Stuck;
use super::work_queue::WorkQueue;
use crate::client::cluster::Cluster;
use crate::client::groups::Order;
use crate::client::producer::Producer;
use crate::message::subscription::Subscription;
use crate::message::{MessageQueue, QueueOffset, TopicName};
use crate::tasks::Tasks;
use crate::wire::body::MessageModel;

/// One consumer, for its tasks.
pub(super) struct Core {
    pub(super) cluster: Arc<Cluster>,
    pub(super) config: ConsumerConfig,
    pub(super) subscriptions: Arc<BTreeMap<TopicName, Subscription>>,
    pub(super) fetcher: Fetcher,
    pub(super) offsets: Offsets,
    pub(super) listener: Listener,
    /// The queues that are ours.
    pub(super) assigned: Mutex<BTreeMap<MessageQueue, Arc<Assigned>>>,
    pub(super) stuck: Stuck,
    pub(super) mixed: MixedGroup,
    /// What waits for a listener in no particular order.
    pub(super) work: WorkQueue,
    /// Calls of a listener that takes messages in order.
    pub(super) calls: Semaphore,
    /// For what the consumer itself sends to the retry topic.
    pub(super) producer: Producer,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) tasks: Tasks,
}

impl Core {
    pub(super) fn is_clustering(&self) -> bool {
        self.config.message_model == MessageModel::Clustering
    }

    pub(super) fn is_orderly(&self) -> bool {
        matches!(self.listener, Listener::Orderly(_))
    }

    /// Whether queues are locked at the broker: only where members share them in order.
    pub(super) fn is_locking(&self) -> bool {
        self.is_orderly() && self.is_clustering()
    }

    pub(super) fn owned(&self) -> Vec<Arc<Assigned>> {
        let assigned = self.assigned.lock();
        let owned = assigned.values().filter(|assigned| !assigned.is_dropped());
        owned.map(Arc::clone).collect()
    }

    /// The queue is not where we thought: it goes on at `offset` after the next round, which gives
    /// it up and takes it anew.
    pub(super) fn move_to(&self, assigned: &Assigned, offset: QueueOffset) {
        assigned.drop_it();
        {
            // Whoever finishes a message holds this too, and sees afterwards that it is dropped.
            let _held = assigned.held.lock();
            self.offsets.set(&assigned.queue, offset);
        }
        self.share_again();
    }

    /// Asks for a round of sharing.
    pub(super) fn share_again(&self) {
        if !Order::Rebalance.give(&self.orders) {
            tracing::trace!("the consumer has stopped sharing");
        }
    }
}
