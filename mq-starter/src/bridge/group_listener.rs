//! The listeners of one group as the client's consumer calls them: each message goes through the
//! layers of its topic's listener, and the answer becomes the client's.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mq_core::client::{ConcurrentListener, OrderlyListener, OrderlyOutcome, Outcome};
use mq_core::message::{GroupName, MessageExt, TopicName};

use super::calls::{HandlerCalls, OnThreads};
use super::consume::Consume;
use super::failures::LogFailures;
use super::retry::RetryRules;
use crate::listener::{ConsumeError, Delivery, Handler, Listener, Next, PlannedConsumer};
use crate::state::AppState;

/// What a message goes through, from the outermost layer to the handler.
type ConsumeLayers = LogFailures<OnThreads<Handler>>;

/// The listeners of one group, by topic.
pub(super) struct GroupListener {
    layers: HashMap<TopicName, ConsumeLayers>,
    state: AppState,
}

/// Puts the layers of a listener around each other: a further one enters here.
fn layers(
    listener: &Listener,
    group: &GroupName,
    rules: &RetryRules,
    calls: &Arc<HandlerCalls>,
) -> ConsumeLayers {
    let handler = listener.handler.clone();
    let on_threads = OnThreads::new(listener, Arc::clone(calls), handler);
    let rules = rules.with_level(listener.delay_level);
    LogFailures::new(listener, group.clone(), rules, on_threads)
}

impl GroupListener {
    pub(super) fn new(
        consumer: &PlannedConsumer,
        rules: &RetryRules,
        state: &AppState,
        calls: &Arc<HandlerCalls>,
    ) -> Self {
        let group = &consumer.group;
        let with_topic = |listener: &Listener| {
            let layers = layers(listener, group, rules, calls);
            (listener.topic.clone(), layers)
        };
        Self {
            layers: consumer.listeners.iter().map(with_topic).collect(),
            state: state.clone(),
        }
    }

    /// Hands one message to the listener of its topic.
    async fn take(&self, message: MessageExt) -> Result<(), FailedDelivery<'_>> {
        let topic = &message.message.topic;
        let Some(layers) = self.layers.get(topic) else {
            let error = format!("no listener of the group takes the topic `{topic}`").into();
            return Err(FailedDelivery { error, rules: None });
        };
        let delivery = Delivery {
            message: message.into(),
            state: self.state.clone(),
            reply_timeout: layers.reply_timeout(),
        };
        let rules = Some(layers.rules());
        let outcome = layers.consume(delivery).await;
        outcome.map_err(|error| FailedDelivery { error, rules })
    }
}

/// A message that was not handled, and the rules of its listener.
struct FailedDelivery<'a> {
    error: ConsumeError,
    rules: Option<&'a RetryRules>,
}

impl FailedDelivery<'_> {
    fn into_outcome(self) -> Outcome {
        let Self { error, rules } = self;
        let Some(rules) = rules else {
            return later(0, &error);
        };
        match rules.wish(error.next()) {
            Next::Later => later(rules.later_level(), &error),
            Next::After(delay) => later(rules.level(delay), &error),
            Next::DeadLetter => Outcome::DeadLetter {
                reason: error.reason(),
            },
        }
    }
}

impl ConcurrentListener for GroupListener {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(batch.len());
        for message in batch {
            outcomes.push(match self.take(message).await {
                Ok(()) => Outcome::Done,
                Err(failure) => failure.into_outcome(),
            });
        }
        outcomes
    }

    fn name(&self, topic: &TopicName) -> &str {
        self.layers
            .get(topic)
            .map_or("no listener", ConsumeLayers::listener)
    }
}

impl OrderlyListener for GroupListener {
    async fn consume(&self, batch: Vec<MessageExt>) -> OrderlyOutcome {
        for message in batch {
            let Err(FailedDelivery { error, .. }) = self.take(message).await else {
                continue;
            };
            return match error.next() {
                Next::Later => suspend(None, &error),
                Next::After(pause) => suspend(Some(pause), &error),
                Next::DeadLetter => OrderlyOutcome::DeadLetter {
                    reason: error.reason(),
                },
            };
        }
        OrderlyOutcome::Done
    }
}

fn later(delay_level: u8, error: &ConsumeError) -> Outcome {
    Outcome::Later {
        delay_level,
        reason: Some(error.reason()),
    }
}

fn suspend(pause: Option<Duration>, error: &ConsumeError) -> OrderlyOutcome {
    OrderlyOutcome::Suspend {
        pause,
        reason: Some(error.reason()),
    }
}
