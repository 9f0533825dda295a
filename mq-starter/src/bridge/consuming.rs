//! A group's consumer: hands each message to the listener of its topic, and its answer back.

use std::collections::HashMap;
use std::time::Duration;

use mq_core::client::{
    ConcurrentListener, ConsumerConfig, OrderlyListener, OrderlyOutcome, Outcome,
};
use mq_core::message::{GroupName, MessageExt, TopicName};

use super::calls::Calls;
use crate::listener::{
    ConsumeError, ConsumeMode, ConsumeResult, Consumer, Delivery, Listener, MessageModel, Next,
};
use crate::state::AppState;

/// The first attempt after the first waits for this level, each further one for the next.
const FIRST_LEVEL: u8 = 3;

/// The listeners of one group, by topic.
pub(super) struct Dispatch {
    group: GroupName,
    listeners: HashMap<TopicName, Listener>,
    rules: Rules,
    state: AppState,
    calls: Calls,
}

/// What decides whether a message that failed comes again, and when.
#[derive(Clone, Debug)]
struct Rules {
    mode: ConsumeMode,
    model: MessageModel,
    /// Attempts after the first.
    retries: i32,
    /// The pause of a queue in order.
    suspend: Duration,
    /// The broker's delays, level 1 first.
    delays: Vec<Duration>,
}

impl Rules {
    /// Which attempt of how many it was that a message has had after it had `failed` times before.
    fn attempt(&self, failed: i32) -> String {
        let attempt = failed.saturating_add(1);
        match self.retries.checked_add(1) {
            Some(most) => format!("{attempt} of {most}"),
            None => format!("{attempt}, without a limit"),
        }
    }

    /// What becomes of a message that has failed `failed` times before, in words.
    fn next(&self, wish: Next, failed: i32) -> String {
        let comes_again = match (self.mode, self.model) {
            (ConsumeMode::Concurrently, MessageModel::Broadcasting) => false,
            _ => wish != Next::DeadLetter && failed < self.retries,
        };
        if !comes_again {
            return match self.model {
                MessageModel::Broadcasting => "never again: it was broadcast".to_owned(),
                MessageModel::Clustering => "dead letter".to_owned(),
            };
        }
        if self.mode == ConsumeMode::Orderly {
            let pause = match wish {
                Next::After(pause) => pause,
                _ => self.suspend,
            };
            return format!("again in {:?}", OrderlyOutcome::within_limits(pause));
        }
        let level = match wish {
            Next::After(delay) => self.level(delay),
            _ => FIRST_LEVEL.saturating_add(u8::try_from(failed).unwrap_or(u8::MAX)),
        };
        let delay = self.delays.get(usize::from(level).saturating_sub(1));
        let delay = delay.or(self.delays.last()).copied().unwrap_or_default();
        format!("again in {delay:?} (delay level {level})")
    }

    /// The first delay level that is not shorter than `delay`; the longest when none is.
    fn level(&self, delay: Duration) -> u8 {
        let shorter = self.delays.iter().take_while(|level| **level < delay);
        let level = (shorter.count() + 1).min(self.delays.len());
        u8::try_from(level).unwrap_or(u8::MAX)
    }
}

impl Dispatch {
    pub(super) fn new(
        consumer: &Consumer,
        config: &ConsumerConfig,
        delays: Vec<Duration>,
        state: &AppState,
        calls: Calls,
    ) -> Self {
        let listeners = consumer.listeners.iter().cloned();
        Self {
            group: consumer.group.clone(),
            listeners: listeners.map(|l| (l.topic.clone(), l)).collect(),
            rules: Rules {
                mode: consumer.mode,
                model: consumer.model,
                retries: config.allowed_retries(consumer.mode == ConsumeMode::Orderly),
                suspend: config.suspend,
                delays,
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
                attempt = self.rules.attempt(failed), next = self.rules.next(error.next(), failed),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::place::apache_delays;

    fn rules(mode: ConsumeMode, model: MessageModel, retries: i32) -> Rules {
        Rules {
            mode,
            model,
            retries,
            suspend: Duration::from_secs(2),
            delays: apache_delays(),
        }
    }

    /// The last failure said "again later", and the message was a dead letter.
    #[test]
    fn what_becomes_of_a_message_that_failed_is_told_as_it_will_be() {
        use ConsumeMode::{Concurrently, Orderly};
        use MessageModel::{Broadcasting, Clustering};

        let after = Next::After(Duration::from_secs(11));
        let never = "never again: it was broadcast";
        let cases = [
            (
                Concurrently,
                Clustering,
                Next::Later,
                0,
                "again in 10s (delay level 3)",
            ),
            (
                Concurrently,
                Clustering,
                Next::Later,
                15,
                "again in 7200s (delay level 18)",
            ),
            (Concurrently, Clustering, Next::Later, 16, "dead letter"),
            (
                Concurrently,
                Clustering,
                after,
                0,
                "again in 30s (delay level 4)",
            ),
            (Concurrently, Clustering, after, 16, "dead letter"),
            (Concurrently, Clustering, Next::DeadLetter, 0, "dead letter"),
            (Concurrently, Broadcasting, Next::Later, 0, never),
            (Orderly, Clustering, Next::Later, 0, "again in 2s"),
            (Orderly, Clustering, after, 0, "again in 11s"),
            (
                Orderly,
                Clustering,
                Next::After(Duration::from_hours(1)),
                0,
                "again in 30s",
            ),
            (Orderly, Broadcasting, Next::Later, 0, "again in 2s"),
            (Orderly, Broadcasting, Next::Later, 16, never),
            (Orderly, Broadcasting, Next::DeadLetter, 0, never),
        ];
        for (mode, model, wish, failed, expected) in cases {
            let rules = rules(mode, model, 16);
            assert_eq!(
                rules.next(wish, failed),
                expected,
                "{mode} {model} {wish:?} {failed}"
            );
        }
    }

    #[test]
    fn an_attempt_is_told_with_how_many_there_may_be() {
        let limited = rules(ConsumeMode::Concurrently, MessageModel::Clustering, 16);
        let endless = rules(ConsumeMode::Orderly, MessageModel::Clustering, i32::MAX);

        assert_eq!(limited.attempt(0), "1 of 17");
        assert_eq!(limited.attempt(16), "17 of 17");
        assert_eq!(endless.attempt(4), "5, without a limit");
    }

    #[test]
    fn a_delay_is_rounded_up_to_the_next_level() {
        let rules = rules(ConsumeMode::Concurrently, MessageModel::Clustering, 16);
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
            assert_eq!(
                rules.level(Duration::from_secs(seconds)),
                expected,
                "{seconds}"
            );
        }
    }
}
