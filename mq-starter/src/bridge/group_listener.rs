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
use crate::listener::{
    ConsumeError, ConsumeResult, Delivery, Handler, Listener, Next, PlannedConsumer,
};
use crate::state::AppState;

/// What a message goes through, from the outermost layer to the handler.
type ConsumeLayers = LogFailures<OnThreads<Handler>>;

/// The listeners of one group, by topic.
pub(super) struct GroupListener {
    layers: HashMap<TopicName, ConsumeLayers>,
    rules: Arc<RetryRules>,
    state: AppState,
}

/// Puts the layers of a listener around each other: a further one enters here.
fn layers(
    listener: &Listener,
    group: &GroupName,
    rules: &Arc<RetryRules>,
    calls: &Arc<HandlerCalls>,
) -> ConsumeLayers {
    let handler = listener.handler.clone();
    let on_threads = OnThreads::new(listener, Arc::clone(calls), handler);
    LogFailures::new(listener, group.clone(), Arc::clone(rules), on_threads)
}

impl GroupListener {
    pub(super) fn new(
        consumer: &PlannedConsumer,
        rules: RetryRules,
        state: &AppState,
        calls: &Arc<HandlerCalls>,
    ) -> Self {
        let (group, rules) = (&consumer.group, Arc::new(rules));
        let with_topic = |listener: &Listener| {
            let layers = layers(listener, group, &rules, calls);
            (listener.topic.clone(), layers)
        };
        Self {
            layers: consumer.listeners.iter().map(with_topic).collect(),
            rules,
            state: state.clone(),
        }
    }

    /// Hands one message to the listener of its topic.
    async fn take(&self, message: MessageExt) -> ConsumeResult {
        let topic = &message.message.topic;
        let Some(layers) = self.layers.get(topic) else {
            return Err(format!("no listener of the group takes the topic `{topic}`").into());
        };
        let delivery = Delivery {
            message: message.into(),
            state: self.state.clone(),
        };
        layers.consume(delivery).await
    }
}

impl ConcurrentListener for GroupListener {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(batch.len());
        for message in batch {
            outcomes.push(match self.take(message).await {
                Ok(()) => Outcome::Done,
                Err(error) => match error.next() {
                    Next::Later => later(0, &error),
                    Next::After(delay) => later(self.rules.level(delay), &error),
                    Next::DeadLetter => Outcome::DeadLetter {
                        reason: error.reason(),
                    },
                },
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
            let Err(error) = self.take(message).await else {
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
