//! From settings and subscriptions to a running consumer (`DefaultMQPushConsumerImpl.start`).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytestring::ByteString;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};

use super::concurrently;
use super::config::{ConsumerConfig, StartFrom};
use super::core::Core;
use super::fetch::Fetcher;
use super::listener::{AnyListener, ConcurrentListener, OrderlyListener};
use super::mixed_group::SubscriptionCheck;
use super::offsets::{COMMITTING_OFFSETS, OffsetStore};
use super::pause::Pause;
use super::push::PushConsumer;
use super::reasons::ReasonKeepers;
use super::refused_queues::RefusedQueues;
use super::subscribing::{Wishes, find};
use super::work_queue::WorkQueue;
use super::{differing_members, lock, overdue, share};
use crate::client::cluster::ClusterClient;
use crate::client::error::StartError;
use crate::client::groups::{ConsumerCommand, Joining, RegisteredConsumer};
use crate::client::producer::Producer;
use crate::client::producer::trace_sender::{TracedSide, tracer};
use crate::message::TopicName;
use crate::message::subscription::{SelectorType, Subscription};
use crate::tasks::Tasks;
use crate::wire::body::{ConsumeFromWhere, ConsumeType, ConsumerData, SubscriptionData};

/// Builds a consumer: subscribe, then start it with a listener.
#[must_use = "a consumer does nothing before it is started"]
pub struct PushConsumerBuilder {
    cluster: Arc<ClusterClient>,
    config: ConsumerConfig,
    wishes: Wishes,
}

impl PushConsumerBuilder {
    pub(in crate::client) fn new(cluster: &Arc<ClusterClient>, config: ConsumerConfig) -> Self {
        Self {
            cluster: Arc::clone(cluster),
            config,
            wishes: Wishes::default(),
        }
    }

    /// Subscribes to the messages of `topic` with one of the tags: `*` or `a || b`.
    pub fn subscribe(self, topic: TopicName, expression: impl Into<ByteString>) -> Self {
        self.subscribe_by(topic, SelectorType::Tag, expression)
    }

    /// Subscribes to the messages of `topic` that match `expression`, in the language `selector`. Brokers
    /// evaluate conditions; a broker that does not refuses the start ([`SubscribeError::Refused`](crate::client::SubscribeError::Refused)).
    ///
    /// ```
    /// # use mq_core::client::PushConsumerBuilder;
    /// # use mq_core::message::TopicName;
    /// # use mq_core::message::subscription::SelectorType;
    /// fn dear(consumer: PushConsumerBuilder, orders: TopicName) -> PushConsumerBuilder {
    ///     consumer.subscribe_by(orders, SelectorType::Sql92, "total >= 100 AND region = 'eu'")
    /// }
    /// ```
    pub fn subscribe_by(
        mut self,
        topic: TopicName,
        selector: SelectorType,
        expression: impl Into<ByteString>,
    ) -> Self {
        self.wishes.add(topic, selector, expression);
        self
    }

    /// Starts a consumer that hands messages over concurrently, in no particular order. It does not
    /// wait for the cluster: while no server responds, the consumer keeps trying.
    ///
    /// # Errors
    ///
    /// [`StartError`] says what to change.
    pub async fn start(
        self,
        listener: impl ConcurrentListener,
    ) -> Result<PushConsumer, StartError> {
        self.run(AnyListener::Concurrent(Arc::new(listener))).await
    }

    /// Starts a consumer that hands the messages of each queue over one after the other.
    ///
    /// # Errors
    ///
    /// [`StartError`] says what to change.
    pub async fn start_orderly(
        self,
        listener: impl OrderlyListener,
    ) -> Result<PushConsumer, StartError> {
        self.run(AnyListener::Orderly(Arc::new(listener))).await
    }

    async fn run(self, listener: AnyListener) -> Result<PushConsumer, StartError> {
        let Self {
            cluster,
            config,
            wishes,
        } = self;
        if cluster.tasks.is_stopping() {
            return Err(StartError::ShutDown);
        }
        config.check()?;
        let subscriptions = wishes.with_retries(&config, cluster.clock.now_ms())?;
        let (commands, received) = ConsumerCommand::queue();
        let member = RegisteredConsumer {
            data: consumer_data(&config, &subscriptions),
            topics: subscriptions.keys().cloned().collect(),
            commands: commands.clone(),
        };
        let offsets = OffsetStore::open(&cluster, &config)?;
        let joining = Joining::begin(&cluster.groups, &config.group, member)?;
        for subscription in subscriptions.values() {
            find(&cluster, &config.group, subscription).await?;
        }
        cluster.heartbeat().await;
        // The client may have been shut down during the heartbeat.
        if cluster.tasks.is_stopping() {
            return Err(StartError::ShutDown);
        }
        joining.stay();
        let subscriptions = Arc::new(subscriptions);
        let trace = config.trace.as_ref();
        let tracer = trace.map(|to| tracer(&cluster, to, &config.group, TracedSide::Consume));
        let core = Arc::new(Core {
            offsets,
            fetcher: Fetcher::new(&cluster, &config, &subscriptions),
            subscriptions,
            listener,
            assigned: Mutex::default(),
            reason_keepers: ReasonKeepers::default(),
            refused_queues: RefusedQueues::default(),
            subscription_check: SubscriptionCheck::default(),
            pause: Pause::default(),
            work: WorkQueue::default(),
            calls: Semaphore::new(config.consume_threads.into()),
            producer: Producer::inner(&cluster, &config.group),
            commands,
            tracer,
            started_ms: cluster.clock.now_ms(),
            tasks: Tasks::new(cluster.clock.clone()),
            config,
            cluster,
        });
        spawn(&core, received);
        Ok(PushConsumer(core))
    }
}

fn spawn(core: &Arc<Core>, commands: mpsc::Receiver<ConsumerCommand>) {
    let tasks = &core.tasks;
    tasks.spawn_until_stop("rebalancing", share::run(Arc::clone(core), commands));
    tasks.spawn_until_stop(COMMITTING_OFFSETS, share::commit(Arc::clone(core)));
    if core.is_clustering() {
        let watching = differing_members::watch(Arc::clone(core));
        tasks.spawn_until_stop("comparing subscriptions", watching);
    }
    if core.is_orderly() {
        tasks.spawn_until_stop("renewing locks", lock::renew(Arc::clone(core)));
        return;
    }
    tasks.spawn_until_stop("overdue messages", overdue::run(Arc::clone(core)));
    for _ in 0..core.config.consume_threads {
        tasks.spawn("listener", concurrently::work(Arc::clone(core)));
    }
}

/// The consumer as a heartbeat has it.
pub(in crate::client) fn consumer_data(
    config: &ConsumerConfig,
    subscriptions: &BTreeMap<TopicName, Subscription>,
) -> ConsumerData {
    ConsumerData {
        group_name: config.group.to_text(),
        consume_type: ConsumeType::ConsumePassively,
        message_model: config.message_model,
        consume_from_where: match config.start_from {
            StartFrom::LastOffset => ConsumeFromWhere::ConsumeFromLastOffset,
            StartFrom::FirstOffset => ConsumeFromWhere::ConsumeFromFirstOffset,
            StartFrom::Timestamp(_) => ConsumeFromWhere::ConsumeFromTimestamp,
        },
        subscription_data_set: subscriptions.values().map(SubscriptionData::from).collect(),
        unit_mode: false,
    }
}

impl fmt::Debug for PushConsumerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushConsumerBuilder")
            .field("config", &self.config)
            .field("wishes", &self.wishes)
            .finish_non_exhaustive()
    }
}
