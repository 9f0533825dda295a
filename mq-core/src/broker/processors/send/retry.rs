//! Decides whether a message that a consumer sends back is retried or becomes a dead letter.

use crate::wire::body::SubscriptionGroupConfig;

/// What happens to a message that is sent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redelivery {
    /// It is delivered again, after the delay of this level.
    Retry(i32),
    /// It becomes a dead letter.
    DeadLetter,
}

/// The allowed retries: the consumer's setting, or else the group's.
pub(super) fn allowed(said: Option<i32>, group: &SubscriptionGroupConfig) -> i32 {
    said.filter(|said| *said >= 0)
        .unwrap_or(group.retry_max_times)
}

/// Decides about a message with `attempts` retries so far. `delay_level` is the consumer's: below 0
/// means a dead letter, and 0 lets the broker choose a delay that grows with each retry.
pub(super) fn redelivery(attempts: i32, allowed: i32, delay_level: i32) -> Redelivery {
    /// The delay level of the first retry.
    const FIRST_RETRY_LEVEL: i32 = 3;

    match delay_level {
        ..0 => Redelivery::DeadLetter,
        _ if attempts >= allowed => Redelivery::DeadLetter,
        0 => Redelivery::Retry(attempts.saturating_add(FIRST_RETRY_LEVEL)),
        level => Redelivery::Retry(level),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_ever_further_apart_until_they_are_used_up() {
        assert_eq!(redelivery(0, 16, 0), Redelivery::Retry(3));
        assert_eq!(redelivery(15, 16, 0), Redelivery::Retry(18));
        assert_eq!(redelivery(16, 16, 0), Redelivery::DeadLetter);
        assert_eq!(redelivery(0, 0, 5), Redelivery::DeadLetter);
    }

    #[test]
    fn a_consumer_may_choose_the_delay_or_give_up() {
        assert_eq!(redelivery(2, 16, 1), Redelivery::Retry(1));
        assert_eq!(redelivery(0, 16, -1), Redelivery::DeadLetter);
    }

    #[test]
    fn the_consumers_number_of_attempts_counts_before_the_groups() {
        let group = SubscriptionGroupConfig {
            retry_max_times: 5,
            ..Default::default()
        };

        assert_eq!(allowed(Some(2), &group), 2);
        assert_eq!(allowed(None, &group), 5);
        assert_eq!(allowed(Some(-1), &group), 5);
    }
}
