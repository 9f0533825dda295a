//! A group's consumer: hands each message to the listener of its topic, and its answer back.

use std::collections::HashMap;
use std::time::Duration;

use mq_core::client::{ConcurrentListener, OrderlyListener, OrderlyOutcome, Outcome};
use mq_core::message::{GroupName, MessageExt, TopicName};

use super::calls::Calls;
use crate::listener::{
    ConsumeError, ConsumeMode, ConsumeResult, Consumer, Delivery, Listener, MessageModel, Next,
};
use crate::state::AppState;

/// The delays of a broker in seconds, level 1 first (`messageDelayLevel`'s default).
const DELAYS: [u64; 18] = [
    1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200,
];

/// The listeners of one group, by topic.
pub(super) struct Dispatch {
    group: GroupName,
    listeners: HashMap<TopicName, Listener>,
    rules: Rules,
    state: AppState,
    calls: Calls,
}

/// What decides whether a message that failed comes again.
#[derive(Clone, Copy, Debug)]
struct Rules {
    mode: ConsumeMode,
    model: MessageModel,
    /// Attempts after the first.
    retries: i32,
}

impl Rules {
    /// What becomes of a message that has failed `failed` times before, in words.
    fn next(self, wish: Next, failed: i32) -> String {
        let comes_again = match (self.mode, self.model) {
            (ConsumeMode::Concurrently, MessageModel::Broadcasting) => false,
            _ => wish != Next::DeadLetter && failed < self.retries,
        };
        match wish {
            _ if !comes_again && self.model == MessageModel::Broadcasting => {
                "never again: it was broadcast".to_owned()
            }
            Next::After(pause) if comes_again => format!("again after {pause:?}"),
            Next::Later if comes_again => "again later".to_owned(),
            _ => "dead letter".to_owned(),
        }
    }
}

impl Dispatch {
    pub(super) fn new(consumer: &Consumer, retries: i32, state: &AppState, calls: Calls) -> Self {
        let listeners = consumer.listeners.iter().cloned();
        Self {
            group: consumer.group.clone(),
            listeners: listeners.map(|l| (l.topic.clone(), l)).collect(),
            rules: Rules {
                mode: consumer.mode,
                model: consumer.model,
                retries,
            },
            state: state.clone(),
            calls,
        }
    }

    fn listener(&self, topic: &TopicName) -> &str {
        let listener = self.listeners.get(topic);
        listener.map_or("no listener", |listener| listener.name)
    }

    /// Hands one message over; what did not go well is logged here and nowhere else.
    async fn one(&self, message: MessageExt) -> ConsumeResult {
        let topic = &message.message.topic;
        let Some(listener) = self.listeners.get(topic) else {
            return Err(format!("no listener of the group takes the topic `{topic}`").into());
        };
        let (id, failed) = (message.message_id(), message.reconsume_times);
        let delivery = Delivery {
            message: message.into(),
            state: self.state.clone(),
        };
        let outcome = self.calls.call(listener, delivery).await;
        if let Err(error) = &outcome {
            tracing::warn!(
                listener = listener.name, topic = %listener.topic, group = %self.group, id,
                attempt = failed.saturating_add(1), next = self.rules.next(error.next(), failed),
                reason = error.reason(), "a message was not handled"
            );
        }
        outcome
    }
}

impl ConcurrentListener for Dispatch {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(batch.len());
        for message in batch {
            outcomes.push(match self.one(message).await {
                Ok(()) => Outcome::Done,
                Err(error) => match error.next() {
                    Next::Later => later(0, &error),
                    Next::After(delay) => later(level(delay), &error),
                    Next::DeadLetter => Outcome::DeadLetter {
                        reason: error.reason(),
                    },
                },
            });
        }
        outcomes
    }

    fn name(&self, topic: &TopicName) -> &str {
        self.listener(topic)
    }
}

impl OrderlyListener for Dispatch {
    async fn consume(&self, batch: Vec<MessageExt>) -> OrderlyOutcome {
        for message in batch {
            let Err(error) = self.one(message).await else {
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

/// The first delay level that is not shorter than `delay`; the longest when none is.
fn level(delay: Duration) -> u8 {
    let levels = (1..).zip(DELAYS);
    let mut long_enough = levels.filter(|(_, seconds)| Duration::from_secs(*seconds) >= delay);
    long_enough.next().map_or(18, |(level, _)| level)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last failure said "again later", and the message was a dead letter.
    #[test]
    fn what_becomes_of_a_message_that_failed_is_told_as_it_will_be() {
        use ConsumeMode::{Concurrently, Orderly};
        use MessageModel::{Broadcasting, Clustering};

        let pause = Duration::from_secs(10);
        let never = "never again: it was broadcast";
        let cases = [
            (Concurrently, Clustering, Next::Later, 15, "again later"),
            (Concurrently, Clustering, Next::Later, 16, "dead letter"),
            (
                Concurrently,
                Clustering,
                Next::After(pause),
                0,
                "again after 10s",
            ),
            (
                Concurrently,
                Clustering,
                Next::After(pause),
                16,
                "dead letter",
            ),
            (Concurrently, Clustering, Next::DeadLetter, 0, "dead letter"),
            (Concurrently, Broadcasting, Next::Later, 0, never),
            (Orderly, Broadcasting, Next::Later, 0, "again later"),
            (Orderly, Broadcasting, Next::Later, 16, never),
            (Orderly, Broadcasting, Next::DeadLetter, 0, never),
        ];
        for (mode, model, wish, failed, expected) in cases {
            let rules = Rules {
                mode,
                model,
                retries: 16,
            };
            assert_eq!(
                rules.next(wish, failed),
                expected,
                "{mode} {model} {wish:?} {failed}"
            );
        }
    }

    #[test]
    fn a_delay_is_rounded_up_to_the_next_level() {
        let delays = [
            (0, 1),
            (1, 1),
            (2, 2),
            (10, 3),
            (11, 4),
            (7200, 18),
            (9999, 18),
        ];
        for (seconds, expected) in delays {
            assert_eq!(level(Duration::from_secs(seconds)), expected, "{seconds}");
        }
    }
}
