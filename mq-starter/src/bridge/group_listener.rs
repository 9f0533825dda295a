//! The listeners of one group as the client's consumer calls them: messages go through the layers of
//! their topic's listener, and the answer becomes the client's.

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
    AnyHandler, BatchDelivery, BatchHandler, ConsumeError, ConsumeMode, ConsumeResult, Delivery,
    Handler, Listener, Next, PlannedConsumer,
};
use crate::state::AppState;

/// What messages go through, from the outermost layer to the handler `H`.
type Layers<H> = LogFailures<OnThreads<H>>;

/// The listeners of one group, by topic.
pub(super) struct GroupListener {
    layers: HashMap<TopicName, ConsumeLayers>,
    mode: ConsumeMode,
    state: AppState,
}

/// The layers around a listener of either kind.
enum ConsumeLayers {
    One(Layers<Handler>),
    Batch(Layers<BatchHandler>),
}

impl ConsumeLayers {
    fn of(
        listener: &Listener,
        group: &GroupName,
        rules: &RetryRules,
        calls: &Arc<HandlerCalls>,
    ) -> Self {
        match &listener.handler {
            AnyHandler::One(handler) => Self::One(layers(listener, group, rules, calls, handler)),
            AnyHandler::Batch(handler) => {
                Self::Batch(layers(listener, group, rules, calls, handler))
            }
        }
    }

    /// The name of the listener.
    fn listener(&self) -> &'static str {
        match self {
            Self::One(layers) => layers.listener(),
            Self::Batch(layers) => layers.listener(),
        }
    }
}

/// Puts the layers of a listener around its handler: a further one enters here.
fn layers<H: Clone>(
    listener: &Listener,
    group: &GroupName,
    rules: &RetryRules,
    calls: &Arc<HandlerCalls>,
    handler: &H,
) -> Layers<H> {
    let on_threads = OnThreads::new(listener, Arc::clone(calls), handler.clone());
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
            let layers = ConsumeLayers::of(listener, group, rules, calls);
            (listener.topic.clone(), layers)
        };
        Self {
            layers: consumer.listeners.iter().map(with_topic).collect(),
            mode: consumer.mode,
            state: state.clone(),
        }
    }

    /// Hands messages over and gives a result for each; in order, for the first of them, which are of one
    /// topic: the others come at once with the next call, and none before what failed.
    async fn take(&self, batch: Vec<MessageExt>) -> Vec<Result<(), FailedDelivery<'_>>> {
        let mut results = Vec::with_capacity(batch.len());
        let mut runs = by_topic(batch);
        if self.mode == ConsumeMode::Orderly {
            runs.truncate(1);
        }
        for messages in runs {
            self.take_of_one_topic(messages, &mut results).await;
        }
        results
    }

    /// Hands messages of one topic to its listener.
    async fn take_of_one_topic<'a>(
        &'a self,
        messages: Vec<MessageExt>,
        results: &mut Vec<Result<(), FailedDelivery<'a>>>,
    ) {
        let topic = messages.first().map(|first| &first.message.topic);
        let layers = topic.and_then(|topic| self.layers.get(topic));
        let with = |rules: &'a RetryRules| {
            move |result: ConsumeResult| {
                result.map_err(|error| FailedDelivery {
                    error,
                    rules: Some(rules),
                })
            }
        };
        match layers {
            Some(ConsumeLayers::One(layers)) => {
                for message in messages {
                    let delivery = Delivery {
                        message: message.into(),
                        state: self.state.clone(),
                        reply_timeout: layers.reply_timeout(),
                    };
                    results.push(with(layers.rules())(layers.consume(delivery).await));
                }
            }
            Some(ConsumeLayers::Batch(layers)) => {
                let delivery = BatchDelivery {
                    messages: messages.into_iter().map(Into::into).collect(),
                    state: self.state.clone(),
                    in_order: self.mode == ConsumeMode::Orderly,
                };
                let answer = layers.consume(delivery).await.into_iter();
                results.extend(answer.map(with(layers.rules())));
            }
            None => results.extend(messages.iter().map(|message| {
                let topic = &message.message.topic;
                let error = format!("no listener of the group takes the topic `{topic}`").into();
                Err(FailedDelivery { error, rules: None })
            })),
        }
    }
}

/// The batch in runs of one topic: messages that come again had different ones.
fn by_topic(batch: Vec<MessageExt>) -> Vec<Vec<MessageExt>> {
    let mut runs: Vec<Vec<MessageExt>> = Vec::new();
    for message in batch {
        match runs.last_mut() {
            Some(run) if is_of_topic(run, &message.message.topic) => run.push(message),
            _ => runs.push(vec![message]),
        }
    }
    runs
}

fn is_of_topic(run: &[MessageExt], topic: &TopicName) -> bool {
    run.first()
        .is_some_and(|first| first.message.topic == *topic)
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
            Next::Later if error.is_panic() => Outcome::Panicked {
                delay_level: rules.later_level(),
                reason: error.reason(),
            },
            Next::Later => later(rules.later_level(), &error),
            Next::After(delay) => later(rules.level(delay), &error),
            Next::DeadLetter => Outcome::DeadLetter {
                reason: error.reason(),
            },
        }
    }

    fn into_orderly_outcome(self) -> OrderlyOutcome {
        let Self { error, .. } = self;
        match error.next() {
            Next::Later if error.is_panic() => OrderlyOutcome::Panicked {
                reason: error.reason(),
            },
            Next::Later => suspend(None, &error),
            Next::After(pause) => suspend(Some(pause), &error),
            Next::DeadLetter => OrderlyOutcome::DeadLetter {
                reason: error.reason(),
            },
        }
    }
}

impl ConcurrentListener for GroupListener {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        let results = self.take(batch).await.into_iter();
        let outcome = |result: Result<(), FailedDelivery<'_>>| {
            result.map_or_else(FailedDelivery::into_outcome, |()| Outcome::Done)
        };
        results.map(outcome).collect()
    }

    fn name(&self, topic: &TopicName) -> &str {
        self.layers
            .get(topic)
            .map_or("no listener", ConsumeLayers::listener)
    }
}

impl OrderlyListener for GroupListener {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<OrderlyOutcome> {
        let results = self.take(batch).await.into_iter();
        let outcome = |result: Result<(), FailedDelivery<'_>>| {
            result.map_or_else(FailedDelivery::into_orderly_outcome, |()| {
                OrderlyOutcome::Done
            })
        };
        results.map(outcome).collect()
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

#[cfg(test)]
mod tests {
    use mq_core::client::ConsumerConfig;
    use mq_core::clock::Clock;

    use super::*;
    use crate::bridge::calls::tests::{calls, listener};
    use crate::listener::handler::tests::message;
    use crate::listener::{Batch, BatchOutcomes};

    /// A group in order with a listener of numbers for each of two topics.
    fn in_order() -> GroupListener {
        let group = GroupName::new("g").unwrap();
        let of_topic = |topic| {
            let numbers = BatchHandler::new(async |_: Batch<u32>, _| Ok(BatchOutcomes::default()));
            Listener {
                topic: TopicName::new(topic).unwrap(),
                ..listener(false, numbers)
            }
        };
        let consumer = PlannedConsumer {
            mode: ConsumeMode::Orderly,
            listeners: vec![of_topic("a"), of_topic("b")],
            ..PlannedConsumer::plain(group.clone())
        };
        let rules = RetryRules::new(&consumer, &ConsumerConfig::new(group), Vec::new());
        let calls = calls(&Clock::system());
        GroupListener::new(&consumer, &rules, &AppState::default(), &calls)
    }

    /// What was sent again, and is no number, goes its own way; a result of another topic is not taken for
    /// that of the message behind it.
    #[tokio::test]
    async fn in_order_a_topic_is_not_begun_before_the_one_before_it_is_done() {
        let of_topic = |topic, body| {
            let mut message: MessageExt = message(body).into();
            message.message.topic = TopicName::new(topic).unwrap();
            message
        };
        let batch = vec![of_topic("a", "x"), of_topic("a", "2"), of_topic("b", "3")];

        let outcomes = OrderlyListener::consume(&in_order(), batch).await;

        assert!(
            matches!(outcomes[..], [OrderlyOutcome::DeadLetter { .. }]),
            "{outcomes:?}"
        );
    }
}
