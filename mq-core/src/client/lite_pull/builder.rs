//! From settings and topics to a running lite pull consumer (`DefaultLitePullConsumerImpl.start`).

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use bytestring::ByteString;
use parking_lot::Mutex;

use super::assigning;
use super::buffer::BufferLimits;
use super::config::LitePullConfig;
use super::consumer::LitePullConsumer;
use super::core::Core;
use super::shared_buffer::SharedBuffer;
use super::subscribed::{Source, Subscribed, membership};
use crate::client::cluster::ClusterClient;
use crate::client::consumer::offsets::{COMMITTING_OFFSETS, OffsetStore};
use crate::client::consumer::refused_queues::RefusedQueues;
use crate::client::consumer::subscribing::{Wishes, find};
use crate::client::error::StartError;
use crate::client::groups::{ConsumerCommand, Joining, RegisteredConsumer};
use crate::client::producer::trace_sender::{TracedSide, tracer};
use crate::message::subscription::SelectorType;
use crate::message::{MessageQueue, TopicName};
use crate::tasks::Tasks;

/// Builds a lite pull consumer: subscribe, then start it.
#[must_use = "a consumer does nothing before it is started"]
pub struct LitePullConsumerBuilder {
    cluster: Arc<ClusterClient>,
    config: LitePullConfig,
    wishes: Wishes,
}

impl LitePullConsumerBuilder {
    pub(in crate::client) fn new(cluster: &Arc<ClusterClient>, config: LitePullConfig) -> Self {
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

    /// Subscribes to the messages of `topic` that match `expression`, in the language `selector`.
    pub fn subscribe_by(
        mut self,
        topic: TopicName,
        selector: SelectorType,
        expression: impl Into<ByteString>,
    ) -> Self {
        self.wishes.add(topic, selector, expression);
        self
    }

    /// Starts a consumer that reads its share of the queues of the subscribed topics. It does not wait
    /// for the cluster: while no server responds, the consumer keeps trying.
    ///
    /// # Errors
    ///
    /// [`StartError`] says what to change.
    pub async fn start(self) -> Result<LitePullConsumer, StartError> {
        self.run(Source::Subscribed).await
    }

    /// Starts a consumer that reads these queues, whatever other members the group has. It gets all
    /// messages of a topic to which it does not subscribe.
    ///
    /// # Errors
    ///
    /// [`StartError`] says what to change.
    pub async fn start_with(
        self,
        queues: impl IntoIterator<Item = MessageQueue>,
    ) -> Result<LitePullConsumer, StartError> {
        let chosen: BTreeSet<_> = queues.into_iter().collect();
        self.run(Source::Chosen(Mutex::new(chosen))).await
    }

    async fn run(self, source: Source) -> Result<LitePullConsumer, StartError> {
        let Self {
            cluster,
            config,
            wishes,
        } = self;
        if cluster.tasks.is_stopping() {
            return Err(StartError::ShutDown);
        }
        config.check()?;
        let in_common = config.in_common();
        if matches!(source, Source::Subscribed) && wishes.is_empty() {
            return Err(StartError::NoSubscription(config.group));
        }
        let subscriptions = wishes.read(cluster.clock.now_ms())?;
        let (commands, received) = ConsumerCommand::queue();
        let (data, topics) = membership(&config, &subscriptions, &source);
        let member = RegisteredConsumer {
            data,
            topics,
            commands: commands.clone(),
        };
        let offsets = OffsetStore::open(&cluster, &in_common)?;
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
        let trace = config.trace.as_ref();
        let tracer = trace.map(|to| tracer(&cluster, to, &config.group, TracedSide::Consume));
        let core = Arc::new(Core {
            offsets,
            subscribed: Mutex::new(Arc::new(Subscribed::new(
                &cluster,
                &in_common,
                subscriptions,
            ))),
            source,
            buffer: SharedBuffer::new(BufferLimits {
                of_queue: config.flow,
                waiting: config.max_waiting,
            }),
            refused_queues: RefusedQueues::default(),
            assigning: tokio::sync::Mutex::default(),
            committing: tokio::sync::Mutex::default(),
            commands,
            started_ms: cluster.clock.now_ms(),
            tracer,
            tasks: Tasks::new(cluster.clock.clone()),
            in_common,
            config,
            cluster,
        });
        let tasks = &core.tasks;
        tasks.spawn_until_stop("assigning", assigning::run(Arc::clone(&core), received));
        let committing = assigning::commit(Arc::clone(&core));
        tasks.spawn_until_stop(COMMITTING_OFFSETS, committing);
        Ok(LitePullConsumer(core))
    }
}

impl fmt::Debug for LitePullConsumerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LitePullConsumerBuilder")
            .field("config", &self.config)
            .field("wishes", &self.wishes)
            .finish_non_exhaustive()
    }
}
