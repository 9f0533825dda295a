//! What becomes of a message that a consumer gives back: another attempt, or a dead letter.

use crate::wire::body::SubscriptionGroupConfig;

/// What becomes of a message that is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Again, after the delay of this level.
    Again(i32),
    /// Never again.
    Dead,
}

/// How many attempts a group allows after the first: what the consumer says, else what the group's
/// settings say.
pub(super) fn allowed(said: Option<i32>, group: &SubscriptionGroupConfig) -> i32 {
    said.filter(|said| *said >= 0)
        .unwrap_or(group.retry_max_times)
}

/// Decides about a message that was tried `attempts` times after the first. Below 0 the wish is a
/// dead letter, 0 leaves the delay to the broker: the more attempts, the longer.
pub(super) fn fate(attempts: i32, allowed: i32, wish: i32) -> Fate {
    /// The first attempt after the first waits as long as this level.
    const FIRST: i32 = 3;

    match wish {
        ..0 => Fate::Dead,
        _ if attempts >= allowed => Fate::Dead,
        0 => Fate::Again(attempts.saturating_add(FIRST)),
        level => Fate::Again(level),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_ever_further_apart_until_they_are_used_up() {
        assert_eq!(fate(0, 16, 0), Fate::Again(3));
        assert_eq!(fate(15, 16, 0), Fate::Again(18));
        assert_eq!(fate(16, 16, 0), Fate::Dead);
        assert_eq!(fate(0, 0, 5), Fate::Dead);
    }

    #[test]
    fn a_consumer_may_choose_the_delay_or_give_up() {
        assert_eq!(fate(2, 16, 1), Fate::Again(1));
        assert_eq!(fate(0, 16, -1), Fate::Dead);
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
