//! A group's consumer: hands each message to the listener of its topic, and its answer back.

use std::collections::HashMap;
use std::time::Duration;

use mq_core::client::{ConcurrentListener, OrderlyListener, OrderlyOutcome, Outcome};
use mq_core::message::{MessageExt, TopicName};

use crate::listener::{ConsumeResult, Delivery, Listener, Next};
use crate::state::AppState;

/// The delays of a broker in seconds, level 1 first (`messageDelayLevel`'s default).
const DELAYS: [u64; 18] = [
    1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200,
];

/// The listeners of one group, by topic.
pub(super) struct Dispatch {
    listeners: HashMap<TopicName, Listener>,
    state: AppState,
}

impl Dispatch {
    pub(super) fn new(listeners: &[Listener], state: &AppState) -> Self {
        let listeners = listeners.iter().cloned();
        Self {
            listeners: listeners.map(|l| (l.topic.clone(), l)).collect(),
            state: state.clone(),
        }
    }

    /// Hands one message over; what did not go well is logged here and nowhere else.
    async fn one(&self, message: MessageExt) -> ConsumeResult {
        let topic = &message.message.topic;
        let Some(listener) = self.listeners.get(topic) else {
            return Err(format!("no listener of the group takes the topic `{topic}`").into());
        };
        let (id, attempt) = (message.message_id(), message.reconsume_times);
        let delivery = Delivery {
            message: message.into(),
            state: self.state.clone(),
        };
        let outcome = listener.handler.call(delivery).await;
        if let Err(error) = &outcome {
            tracing::warn!(
                listener = listener.name, topic = %listener.topic, message_id = id, attempt,
                next = ?error.next(), reason = error.reason(), "a message was not handled"
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
                    Next::Later => Outcome::Later { delay_level: 0 },
                    Next::After(delay) => Outcome::Later {
                        delay_level: level(delay),
                    },
                    Next::DeadLetter => Outcome::DeadLetter {
                        reason: error.reason(),
                    },
                },
            });
        }
        outcomes
    }
}

impl OrderlyListener for Dispatch {
    async fn consume(&self, batch: Vec<MessageExt>) -> OrderlyOutcome {
        for message in batch {
            let Err(error) = self.one(message).await else {
                continue;
            };
            return match error.next() {
                Next::Later => OrderlyOutcome::Suspend { pause: None },
                Next::After(pause) => OrderlyOutcome::Suspend { pause: Some(pause) },
                Next::DeadLetter => OrderlyOutcome::DeadLetter {
                    reason: error.reason(),
                },
            };
        }
        OrderlyOutcome::Done
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
