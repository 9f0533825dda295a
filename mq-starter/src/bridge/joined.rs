//! A cluster as an application takes part in it: its producer, its consumers, its topics.

use std::sync::Arc;
use std::time::Duration;

use mq_core::client::{Client, DeadLetters, Producer, ProducerConfig};
use mq_core::clock::Clock;
use mq_core::message::GroupName;
use mq_core::tasks::Tasks;

use super::calls::HandlerCalls;
use super::consumer_config::{self, ConsumerDefaults};
use super::errors::could_not;
use super::group_listener::GroupListener;
use super::location::ClusterLocation;
use super::named_clients::NamedClients;
use super::receiver::RunningReceiver;
use super::retry::RetryRules;
use super::running_consumer::RunningConsumer;
use crate::config::{
    DeclaredTopic, ProducerSettings, PullConsumerSettings, RocketMQConfig, Startup,
};
use crate::ending::Ending;
use crate::listener::{ConsumeMode, PlannedConsumer};
use crate::problem::ApplicationError;
use crate::state::AppState;
use crate::stopping::ShutdownProblem;

/// A declared topic that could not be created is tried again after so long.
const TOPIC_CREATION_RETRY: Duration = Duration::from_secs(5);

/// A cluster that the application takes part in, and the client that speaks to it.
#[derive(Debug)]
pub(crate) struct JoinedCluster {
    location: ClusterLocation,
    client: Client,
    /// Further clients, for listeners and a pull consumer that have an instance name of their own.
    named: NamedClients,
    instance_name: Option<String>,
    producer: Producer,
    defaults: ConsumerDefaults,
    /// Of its brokers, level 1 first.
    delays: Vec<Duration>,
    clock: Clock,
}

impl JoinedCluster {
    /// Makes a client; the cluster need not be there yet, unless the settings say so.
    pub(crate) async fn connect(
        location: ClusterLocation,
        config: &RocketMQConfig,
        group: &GroupName,
        clock: &Clock,
    ) -> Result<Self, ApplicationError> {
        let instance_name = config.producer.instance_name.clone();
        let client = location.client(instance_name.as_deref(), clock)?;
        if config.startup == Startup::FailFast || location.is_in_process() {
            let asked = client.check().await;
            asked.map_err(could_not("reach the cluster"))?;
        }
        let producer = client.producer(producer_config(&config.producer, group));
        let producer =
            producer.map_err(could_not(format!("make a producer of group `{group}`")))?;
        Ok(Self {
            client,
            producer,
            named: NamedClients::default(),
            instance_name,
            defaults: ConsumerDefaults {
                offset_directory: config.offset_directory.clone(),
                trace: config.consumer_trace.clone(),
            },
            delays: location.delays(),
            location,
            clock: clock.clone(),
        })
    }

    /// Creates the topics that the settings declare; goes on trying when the cluster is away.
    pub(crate) async fn declare(
        &self,
        config: &RocketMQConfig,
        tasks: &Tasks,
    ) -> Result<(), ApplicationError> {
        let mut left = Vec::new();
        for topic in &config.topics {
            match create(&self.client, topic).await {
                Ok(()) => {}
                Err(error) if config.startup == Startup::FailFast => return Err(error),
                Err(error) => {
                    tracing::warn!(topic = %topic.name, %error, "a declared topic is created later");
                    left.push(topic.clone());
                }
            }
        }
        if !left.is_empty() {
            let (client, clock) = (self.client.clone(), self.clock.clone());
            tasks.spawn_until_stop("creating topics", async move {
                while !left.is_empty() {
                    clock.sleep(TOPIC_CREATION_RETRY).await;
                    let mut failed = Vec::new();
                    for topic in left {
                        if create(&client, &topic).await.is_err() {
                            failed.push(topic);
                        }
                    }
                    left = failed;
                }
            });
        }
        Ok(())
    }

    /// What sends to it.
    pub(crate) fn producer(&self) -> &Producer {
        &self.producer
    }

    /// The dead letters of a group.
    pub(crate) fn dead_letters(&self, group: GroupName) -> DeadLetters {
        self.client.dead_letters(group)
    }

    /// Starts the consumer of a group.
    pub(crate) async fn consume(
        &self,
        consumer: &PlannedConsumer,
        state: &AppState,
    ) -> Result<RunningConsumer, ApplicationError> {
        let config = consumer_config::of(consumer, &self.defaults, &self.clock);
        let client = self.client_named(consumer.instance_name.as_deref())?;
        let mut builder = client.push_consumer(config.clone());
        for listener in &consumer.listeners {
            let (topic, expression) = (listener.topic.clone(), listener.expression.clone());
            builder = builder.subscribe_by(topic, listener.selector, expression);
        }
        let tasks = Tasks::new(self.clock.clone());
        let calls = HandlerCalls::new(&consumer.group, consumer.threads, &self.clock, &tasks);
        let list = calls.list();
        let rules = RetryRules::new(consumer, &config, self.delays.clone());
        let listener = GroupListener::new(consumer, &rules, state, &Arc::new(calls));
        let started = match consumer.mode {
            ConsumeMode::Concurrently => builder.start(listener).await,
            ConsumeMode::Orderly => builder.start_orderly(listener).await,
        };
        let group = &consumer.group;
        let started = started.map_err(could_not(format!("start the consumer of group `{group}`")));
        if started.is_err() {
            tasks.request_stop();
        }
        let patience = consumer.times.termination();
        Ok(RunningConsumer::new(
            started?,
            list,
            tasks,
            patience,
            &self.clock,
        ))
    }

    /// The client with this instance name; that of the application when there is none.
    fn client_named(&self, name: Option<&str>) -> Result<Client, ApplicationError> {
        match name {
            Some(name) if self.instance_name.as_deref() != Some(name) => {
                self.named.get(name, &self.location, &self.clock)
            }
            _ => Ok(self.client.clone()),
        }
    }

    /// Starts the pull consumer of the template, with a client of its own when the settings name one.
    pub(crate) async fn receive(
        &self,
        settings: &PullConsumerSettings,
    ) -> Result<RunningReceiver, ApplicationError> {
        let client = self.client_named(settings.instance_name.as_deref())?;
        let directory = self.defaults.offset_directory.clone();
        RunningReceiver::start(&client, settings, directory).await
    }

    /// Ends producer and connections, and the broker when it is the application's own; gives what did
    /// not end as it should.
    pub(crate) async fn stop(&self, ending: &Ending) -> Vec<ShutdownProblem> {
        let producer = self.producer.shutdown(ending.left()).await;
        let named = self.named.stop(ending).await;
        let client = self.client.shutdown(ending.left()).await;
        let broker = self.location.stop(ending.left()).await;
        let late = [producer, client].into_iter();
        late.flat_map(|stopped| ShutdownProblem::tasks(stopped, None))
            .chain(named)
            .chain(ShutdownProblem::broker(broker))
            .collect()
    }
}

fn producer_config(settings: &ProducerSettings, group: &GroupName) -> ProducerConfig {
    let mut config = ProducerConfig::new(group.clone());
    config.send_timeout = settings.send_message_timeout;
    config.retry_times_when_send_failed = settings.retry_times_when_send_failed;
    config.retry_times_when_send_async_failed = settings.retry_times_when_send_async_failed;
    config.retry_another_broker_when_not_store_ok = settings.retry_next_server;
    config.compress_body_over = settings.compress_message_body_threshold;
    config.max_message_size = settings.max_message_size;
    config.trace = settings.trace.settings();
    config
}

async fn create(client: &Client, topic: &DeclaredTopic) -> Result<(), ApplicationError> {
    let DeclaredTopic { name, queues } = topic;
    let created = client.create_topic(name, *queues).await;
    created.map_err(could_not(format!("create the topic `{name}`")))
}
