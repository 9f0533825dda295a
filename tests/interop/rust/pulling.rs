//! Consumers that ask for messages: lite pull, subscribed or with chosen queues, and pull by hand.

use std::sync::Arc;
use std::time::Duration;

use mq_core::client::{
    Client, ErrorKind, LitePullConfig, LitePullConsumer, PullConsumer, StartFrom,
};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, MessageQueue, QueueOffset, TopicName};
use mq_core::tasks::Tasks;

use crate::Failure;
use crate::consume::{Subscription, tell};
use crate::report::Report;

const WAIT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);

/// A running consumer of one of these kinds, whose deliveries are reported.
pub(crate) struct Pulling {
    consumer: Kind,
    tasks: Tasks,
}

enum Kind {
    Lite(LitePullConsumer),
    ByHand(PullConsumer),
}

impl Pulling {
    /// Whether `mode` is one of these kinds.
    pub(crate) fn has(mode: &str) -> bool {
        mode.contains("pull")
    }

    pub(crate) async fn start(
        client: &Client,
        subscription: &Subscription<'_>,
        report: &Arc<Report>,
    ) -> Result<Self, Failure> {
        let (topic, group) = (
            TopicName::new(subscription.topic)?,
            GroupName::new(subscription.group)?,
        );
        let tasks = Tasks::new(Clock::system());
        if !subscription.mode.starts_with("lite-pull") {
            let consumer = client.pull_consumer(group)?;
            for queue in consumer.queues(&topic).await? {
                let expression = subscription.expression.to_owned();
                let reading = by_hand(consumer.clone(), queue, expression, Arc::clone(report));
                tasks.spawn("reading", reading);
            }
            let consumer = Kind::ByHand(consumer);
            return Ok(Self { consumer, tasks });
        }
        let mut config = LitePullConfig::new(group.clone());
        config.start_from = StartFrom::FirstOffset;
        let builder = client.lite_pull_consumer(config);
        let expression = subscription.expression.to_owned();
        let consumer = if subscription.mode.contains("assigned") {
            let looking = client.pull_consumer(GroupName::new(format!("{group}-looking"))?)?;
            let queues = looking.queues(&topic).await?;
            looking.shutdown().await;
            builder
                .subscribe(topic, expression)
                .start_with(queues)
                .await?
        } else {
            builder.subscribe(topic, expression).start().await?
        };
        tasks.spawn("polling", poll(consumer.clone(), Arc::clone(report)));
        let consumer = Kind::Lite(consumer);
        Ok(Self { consumer, tasks })
    }

    pub(crate) async fn shutdown(&self, limit: Duration) -> Result<(), Failure> {
        match &self.consumer {
            Kind::Lite(consumer) => consumer.shutdown(limit).await?,
            Kind::ByHand(consumer) => consumer.shutdown().await,
        }
        Ok(self.tasks.stop(limit).await?)
    }
}

/// Polls until the consumer is shut down.
async fn poll(consumer: LitePullConsumer, report: Arc<Report>) {
    while let Ok(messages) = consumer.poll(WAIT).await {
        for message in &messages {
            tell(&report, message);
        }
    }
}

/// Pulls from a queue until the consumer is shut down, and commits what was reported.
async fn by_hand(
    consumer: PullConsumer,
    queue: MessageQueue,
    expression: String,
    report: Arc<Report>,
) {
    let mut next = QueueOffset(0);
    loop {
        let pull = consumer
            .pull(&queue, next)
            .wait(WAIT)
            .tags(expression.as_str());
        let error = match pull.await {
            Ok(pulled) => {
                pulled
                    .messages
                    .iter()
                    .for_each(|message| tell(&report, message));
                next = pulled.next;
                consumer.commit(&queue, next).await.err()
            }
            Err(error) => Some(error),
        };
        match error {
            Some(error) if error.kind() == ErrorKind::ShutDown => return,
            Some(error) => {
                tracing::warn!(%error, "reading fails");
                Clock::system().sleep(PAUSE).await;
            }
            None => {}
        }
    }
}
