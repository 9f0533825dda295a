//! The state that the tasks of one consumer share.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};

use super::assigned::AssignedQueue;
use super::config::ConsumerConfig;
use super::fetch::Fetcher;
use super::flow::FlowLimits;
use super::listener::AnyListener;
use super::mixed_group::SubscriptionCheck;
use super::offsets::OffsetStore;
use super::pause::Pause;
use super::reasons::ReasonKeepers;
use super::refused_queues::RefusedQueues;
use super::work_queue::WorkQueue;
use crate::client::cluster::ClusterClient;
use crate::client::groups::ConsumerCommand;
use crate::client::producer::Producer;
use crate::client::trace::Tracer;
use crate::message::subscription::Subscription;
use crate::message::{MessageQueue, QueueOffset, TopicName};
use crate::tasks::Tasks;
use crate::wire::body::MessageModel;

/// The state of one consumer.
pub(super) struct Core {
    pub(super) cluster: Arc<ClusterClient>,
    pub(super) config: ConsumerConfig,
    pub(super) subscriptions: Arc<BTreeMap<TopicName, Subscription>>,
    pub(super) fetcher: Fetcher,
    pub(super) offsets: OffsetStore,
    pub(super) listener: AnyListener,
    /// The queues that are assigned to this consumer.
    pub(super) assigned: Mutex<BTreeMap<MessageQueue, Arc<AssignedQueue>>>,
    pub(super) reason_keepers: ReasonKeepers,
    pub(super) refused_queues: RefusedQueues,
    pub(super) subscription_check: SubscriptionCheck,
    pub(super) pause: Pause,
    /// Messages that wait for a concurrent listener.
    pub(super) work: WorkQueue,
    /// Limits the concurrent calls of an orderly listener.
    pub(super) calls: Semaphore,
    /// Sends messages to the retry topic.
    pub(super) producer: Producer,
    pub(super) commands: mpsc::Sender<ConsumerCommand>,
    /// Records the calls of the listener.
    pub(super) tracer: Option<Tracer>,
    /// When it was started, ms since 1970.
    pub(super) started_ms: i64,
    pub(super) tasks: Tasks,
}

impl Core {
    pub(super) fn is_clustering(&self) -> bool {
        self.config.message_model == MessageModel::Clustering
    }

    pub(super) fn is_orderly(&self) -> bool {
        matches!(self.listener, AnyListener::Orderly(_))
    }

    /// Whether queues are locked at the broker: for orderly listeners in clustering mode.
    pub(super) fn is_locking(&self) -> bool {
        self.is_orderly() && self.is_clustering()
    }

    pub(super) fn owned(&self) -> Vec<Arc<AssignedQueue>> {
        let assigned = self.assigned.lock();
        let owned = assigned.values().filter(|assigned| !assigned.is_dropped());
        owned.map(Arc::clone).collect()
    }

    /// The offset of the first message of the queue that is not finished; it is committed next.
    pub(super) fn position(&self, assigned: &AssignedQueue) -> QueueOffset {
        let known = self.offsets.known(&assigned.queue);
        known.unwrap_or(assigned.start)
    }

    /// The limits of each queue of `topic`, of those that this consumer has now.
    pub(super) fn flow_of(&self, topic: &TopicName) -> FlowLimits {
        let assigned = self.assigned.lock();
        let queues = assigned.keys().filter(|queue| queue.topic == *topic);
        self.config
            .topic_flow
            .of_one(queues.count(), self.config.flow)
    }

    /// Continues the queue at `offset`: marks it as dropped, so that the next rebalance releases it
    /// and assigns it again at that offset.
    pub(super) fn move_to(&self, assigned: &AssignedQueue, offset: QueueOffset) {
        assigned.mark_dropped();
        {
            // Finishing a message takes this lock too, so it cannot advance the offset in between.
            let _held = assigned.held.lock();
            self.offsets.set(&assigned.queue, offset);
        }
        self.request_rebalance();
    }

    /// Requests a rebalance.
    pub(super) fn request_rebalance(&self) {
        if !ConsumerCommand::Rebalance.send_to(&self.commands) {
            tracing::trace!("no rebalance: the consumer has stopped");
        }
    }
}
