//! One deadline for the whole end of an application (`rocketmq.shutdown-timeout`).
//!
//! Requests to the web server and handlers have four fifths of the time. The last fifth is kept for
//! what must follow them: committing offsets, leaving the cluster, closing the broker.

use std::time::Duration;

use mq_core::clock::{Clock, Moment};

/// The end of an application, from the moment at which it was asked to end.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    clock: Clock,
    begun: Moment,
    limit: Duration,
}

impl Ending {
    /// The deadline counts from now.
    pub(crate) fn begin(clock: &Clock, limit: Duration) -> Self {
        Self {
            clock: clock.clone(),
            begun: clock.moment(),
            limit,
        }
    }

    /// How long requests and handlers may take in all.
    pub(crate) fn limit_of_work(&self) -> Duration {
        self.limit.saturating_mul(4) / 5
    }

    /// How long requests and handlers may still take.
    pub(crate) fn left_for_work(&self) -> Duration {
        self.left_of(self.limit_of_work())
    }

    /// The time until the deadline.
    pub(crate) fn left(&self) -> Duration {
        self.left_of(self.limit)
    }

    fn left_of(&self, limit: Duration) -> Duration {
        let deadline = self.begun.plus(limit);
        deadline.since(self.clock.moment())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_steps_share_one_deadline_and_the_last_fifth_is_kept_for_the_last_steps() {
        let clock = Clock::manual(0);
        let ending = Ending::begin(&clock, Duration::from_secs(25));
        let seconds = |duration: Duration| duration.as_secs();
        let left = || (seconds(ending.left_for_work()), seconds(ending.left()));

        assert_eq!(left(), (20, 25));
        clock.advance(Duration::from_secs(12)).await;
        assert_eq!(left(), (8, 13));
        clock.advance(Duration::from_secs(12)).await;
        assert_eq!(left(), (0, 1));
        clock.advance(Duration::from_secs(12)).await;
        assert_eq!(left(), (0, 0));
    }
}
