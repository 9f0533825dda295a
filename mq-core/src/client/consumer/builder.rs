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
use super::offsets::OffsetStore;
use super::push::PushConsumer;
use super::reasons::ReasonKeepers;
use super::refused_queues::RefusedQueues;
use super::work_queue::WorkQueue;
use super::{differing_members, lock, overdue, share};
use crate::client::cluster::ClusterClient;
use crate::client::error::StartError;
use crate::client::groups::{ConsumerCommand, RegisteredConsumer};
use crate::client::producer::Producer;
use crate::message::TopicName;
use crate::message::subscription::{Filter, SelectorType, Subscription};
use crate::remoting::CallError;
use crate::tasks::Tasks;
use crate::wire::body::{
    CheckClientRequestBody, ConsumeFromWhere, ConsumeType, ConsumerData, MessageModel,
    SubscriptionData,
};
use crate::wire::fastjson;
use crate::wire::header::CheckClientConfig;

/// The capacity of a consumer's command queue.
const COMMAND_CAPACITY: usize = 16;

/// Builds a consumer: subscribe, then start it with a listener.
#[must_use = "a consumer does nothing before it is started"]
pub struct PushConsumerBuilder {
    cluster: Arc<ClusterClient>,
    config: ConsumerConfig,
    wanted: Vec<(TopicName, SelectorType, ByteString)>,
}

impl PushConsumerBuilder {
    pub(in crate::client) fn new(cluster: &Arc<ClusterClient>, config: ConsumerConfig) -> Self {
        Self {
            cluster: Arc::clone(cluster),
            config,
            wanted: Vec::new(),
        }
    }

    /// Subscribes to the messages of `topic` with one of the tags: `*` or `a || b`.
    pub fn subscribe(self, topic: TopicName, expression: impl Into<ByteString>) -> Self {
        self.subscribe_by(topic, SelectorType::Tag, expression)
    }

    /// Subscribes to the messages of `topic` that match `expression`, in the language `selector`.
    pub fn subscribe_by(
        mut self,
        topic: TopicName,
        selector: SelectorType,
        expression: impl Into<ByteString>,
    ) -> Self {
        self.wanted.push((topic, selector, expression.into()));
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
            wanted,
        } = self;
        if cluster.tasks.is_stopping() {
            return Err(StartError::ShutDown);
        }
        config.check()?;
        let subscriptions = subscriptions(&config, wanted, cluster.clock.now_ms())?;
        let (commands, received) = mpsc::channel(COMMAND_CAPACITY);
        let member = RegisteredConsumer {
            data: consumer_data(&config, &subscriptions),
            topics: subscriptions.keys().cloned().collect(),
            commands: commands.clone(),
        };
        let offsets = OffsetStore::open(&cluster, &config)?;
        cluster.groups.lock().add_consumer(&config.group, member)?;
        for subscription in subscriptions.values() {
            if let Err(error) = find(&cluster, &config, subscription).await {
                cluster.groups.lock().remove_consumer(&config.group);
                return Err(error);
            }
        }
        cluster.heartbeat().await;
        // The client may have been shut down during the heartbeat.
        if cluster.tasks.is_stopping() {
            cluster.groups.lock().remove_consumer(&config.group);
            return Err(StartError::ShutDown);
        }
        let subscriptions = Arc::new(subscriptions);
        let core = Arc::new(Core {
            offsets,
            fetcher: Fetcher::new(&cluster, &config, &subscriptions),
            subscriptions,
            listener,
            assigned: Mutex::default(),
            reason_keepers: ReasonKeepers::default(),
            refused_queues: RefusedQueues::default(),
            subscription_check: SubscriptionCheck::default(),
            work: WorkQueue::default(),
            calls: Semaphore::new(config.consume_threads.into()),
            producer: Producer::inner(&cluster, &config.group),
            commands,
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
    tasks.spawn_until_stop("committing offsets", share::commit(Arc::clone(core)));
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

/// Looks up the route of a subscription's topic and, for filters that brokers compile, asks a
/// broker whether it accepts the filter.
async fn find(
    cluster: &ClusterClient,
    config: &ConsumerConfig,
    subscription: &Subscription,
) -> Result<(), StartError> {
    let topic = &subscription.topic;
    if let Err(error) = cluster.refresh(topic).await {
        tracing::debug!(%topic, %error, "the topic is looked up again later");
        return Ok(());
    }
    if subscription.selector == SelectorType::Tag {
        return Ok(());
    }
    let route = cluster.known_route(topic);
    let mut addresses = route.iter().flat_map(|route| route.brokers.values());
    let Some(address) = addresses.find_map(|broker| broker.values().next()) else {
        return Ok(());
    };
    let body = fastjson::write(&CheckClientRequestBody {
        client_id: cluster.client_id.clone(),
        group: config.group.to_text(),
        subscription_data: Some(subscription.into()),
        namespace: None,
    });
    match cluster.call(address, CheckClientConfig, body).await {
        Err(CallError::Refused(source)) => Err(StartError::Filter {
            topic: topic.clone(),
            source,
        }),
        Err(error) => {
            tracing::warn!(%topic, %error, "no broker could be asked whether it accepts the filter");
            Ok(())
        }
        Ok(_) => Ok(()),
    }
}

fn subscriptions(
    config: &ConsumerConfig,
    wanted: Vec<(TopicName, SelectorType, ByteString)>,
    version: i64,
) -> Result<BTreeMap<TopicName, Subscription>, StartError> {
    if wanted.is_empty() {
        return Err(StartError::NoSubscription(config.group.clone()));
    }
    let mut subscriptions = BTreeMap::new();
    for (topic, selector, expression) in wanted {
        let filter = match selector {
            SelectorType::Tag => Filter::by_tags(&expression),
            _ => Ok(Filter::default()),
        };
        let filter = filter.map_err(|source| StartError::Tags {
            topic: topic.clone(),
            source,
        })?;
        let subscription = Subscription {
            topic: topic.clone(),
            expression: if expression.is_empty() {
                "*".into()
            } else {
                expression
            },
            selector,
            filter,
            version,
        };
        subscriptions.insert(topic, subscription);
    }
    if config.message_model == MessageModel::Clustering {
        let topic = TopicName::retry_of(&config.group);
        let everything = Subscription {
            topic: topic.clone(),
            expression: "*".into(),
            selector: SelectorType::Tag,
            filter: Filter::default(),
            version,
        };
        subscriptions.insert(topic, everything);
    }
    Ok(subscriptions)
}

fn consumer_data(
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
            .field("wanted", &self.wanted)
            .finish_non_exhaustive()
    }
}
