//! Whether a message that failed comes again, and when: by the rules of client and broker, for the log.

use std::time::Duration;

use mq_core::client::{ConsumerConfig, OrderlyOutcome};

use crate::listener::{ConsumeMode, MessageModel, Next, PlannedConsumer};

/// The delay level of the second attempt; each further attempt waits for the next level.
const FIRST_RETRY_LEVEL: u8 = 3;

/// What decides whether a message that failed comes again, and when.
#[derive(Clone, Debug)]
pub(super) struct RetryRules {
    mode: ConsumeMode,
    model: MessageModel,
    /// Attempts after the first.
    retries: i32,
    /// The pause of a queue in order.
    suspend: Duration,
    /// The broker's delays, level 1 first.
    delays: Vec<Duration>,
    /// The delay level of the listener after any failure; below 0: a dead letter, 0: longer with each
    /// attempt.
    fixed_level: i32,
}

impl RetryRules {
    /// The rules of a group whose consumer is configured so, with the broker's delays, level 1 first.
    pub(super) fn new(
        group: &PlannedConsumer,
        config: &ConsumerConfig,
        delays: Vec<Duration>,
    ) -> Self {
        Self {
            mode: group.mode,
            model: group.model,
            retries: config.allowed_retries(group.mode == ConsumeMode::Orderly),
            suspend: config.suspend,
            delays,
            fixed_level: 0,
        }
    }

    /// The rules of a listener that has a delay level of its own.
    pub(super) fn with_level(&self, level: i32) -> Self {
        Self {
            fixed_level: level,
            ..self.clone()
        }
    }

    /// What a failure means, by the listener's delay level where the error leaves it open.
    pub(super) fn wish(&self, said: Next) -> Next {
        match said {
            Next::Later if self.fixed_level < 0 => Next::DeadLetter,
            said => said,
        }
    }

    /// The delay level of a message that comes again later; 0: the broker chooses.
    pub(super) fn later_level(&self) -> u8 {
        u8::try_from(self.fixed_level).unwrap_or(0)
    }

    /// Which attempt of how many it was that a message has had after it had `failed` times before.
    pub(super) fn attempt(&self, failed: i32) -> String {
        let attempt = failed.saturating_add(1);
        match self.retries.checked_add(1) {
            Some(most) => format!("{attempt} of {most}"),
            None => format!("{attempt}, without a limit"),
        }
    }

    /// Whether a message comes again that has failed `failed` times before.
    pub(super) fn comes_again(&self, wish: Next, failed: i32) -> bool {
        match (self.mode, self.model) {
            (ConsumeMode::Concurrently, MessageModel::Broadcasting) => false,
            _ => self.wish(wish) != Next::DeadLetter && failed < self.retries,
        }
    }

    /// What becomes of a message that has failed `failed` times before, in words.
    pub(super) fn next(&self, wish: Next, failed: i32) -> String {
        let wish = self.wish(wish);
        if !self.comes_again(wish, failed) {
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
            _ if self.fixed_level > 0 => self.later_level(),
            _ => FIRST_RETRY_LEVEL.saturating_add(u8::try_from(failed).unwrap_or(u8::MAX)),
        };
        let delay = self.delays.get(usize::from(level).saturating_sub(1));
        let delay = delay.or(self.delays.last()).copied().unwrap_or_default();
        format!("again in {delay:?} (delay level {level})")
    }

    /// The first delay level that is not shorter than `delay`; the longest when none is.
    pub(super) fn level(&self, delay: Duration) -> u8 {
        let shorter = self.delays.iter().take_while(|level| **level < delay);
        let level = (shorter.count() + 1).min(self.delays.len());
        u8::try_from(level).unwrap_or(u8::MAX)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::bridge::location::apache_delays;

    pub(in crate::bridge) fn rules(
        mode: ConsumeMode,
        model: MessageModel,
        retries: i32,
    ) -> RetryRules {
        RetryRules {
            mode,
            model,
            retries,
            suspend: Duration::from_secs(2),
            delays: apache_delays(),
            fixed_level: 0,
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
    fn a_listener_s_delay_level_counts_unless_the_error_says_another() {
        let rules = rules(ConsumeMode::Concurrently, MessageModel::Clustering, 16);
        let after = Next::After(Duration::from_secs(11));

        let fixed = rules.with_level(2);
        assert_eq!(fixed.next(Next::Later, 7), "again in 5s (delay level 2)");
        assert_eq!(fixed.next(after, 7), "again in 30s (delay level 4)");
        let at_once = rules.with_level(-1);
        assert_eq!(at_once.next(Next::Later, 0), "dead letter");
        assert_eq!(at_once.next(after, 0), "again in 30s (delay level 4)");
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
