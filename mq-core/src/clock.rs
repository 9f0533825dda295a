//! The time, from the system or moved by hand in a test.
//!
//! All other code takes its time from a [`Clock`], so that timeouts and intervals are tested
//! without waiting.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// A point in time for measuring durations, unaffected by changes of the wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(Duration);

impl Moment {
    /// The moment `duration` later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    /// The time since `earlier`; zero when that is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// The timer ran out first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("timed out")]
pub struct Elapsed;

/// The time, and waiting for it.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System(tokio::time::Instant),
    Manual(Arc<Mutex<Hand>>),
}

#[derive(Debug)]
struct Hand {
    wall_ms: i64,
    now: Moment,
    waiting: BTreeMap<(Moment, u64), oneshot::Sender<()>>,
    next: u64,
}

impl Hand {
    /// Takes out all who wait for the current moment.
    fn take_due(&mut self) -> Vec<oneshot::Sender<()>> {
        let later = self.waiting.split_off(&(self.now, u64::MAX));
        let due = std::mem::replace(&mut self.waiting, later);
        due.into_values().collect()
    }
}

impl Clock {
    /// The system's clock.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks")]
    pub fn system() -> Self {
        Self(Source::System(tokio::time::Instant::now()))
    }

    /// A clock for tests: it shows `wall_ms`, ms since 1970, and moves only by [`Clock::advance`].
    pub fn manual(wall_ms: i64) -> Self {
        Self(Source::Manual(Arc::new(Mutex::new(Hand {
            wall_ms,
            now: Moment::default(),
            waiting: BTreeMap::new(),
            next: 0,
        }))))
    }

    /// The wall clock, ms since 1970.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks")]
    pub fn now_ms(&self) -> i64 {
        match &self.0 {
            Source::System(_) => {
                let now = std::time::SystemTime::now().duration_since(UNIX_EPOCH);
                now.map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
            }
            Source::Manual(hand) => hand.lock().wall_ms,
        }
    }

    /// The current moment, for measuring durations.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks")]
    pub fn moment(&self) -> Moment {
        match &self.0 {
            Source::System(start) => Moment(tokio::time::Instant::now().duration_since(*start)),
            Source::Manual(hand) => hand.lock().now,
        }
    }

    /// Waits until `deadline`.
    pub async fn sleep_until(&self, deadline: Moment) {
        match &self.0 {
            Source::System(start) => match start.checked_add(deadline.0) {
                Some(instant) => tokio::time::sleep_until(instant).await,
                None => std::future::pending().await,
            },
            Source::Manual(hand) => {
                let waiting = {
                    let mut hand = hand.lock();
                    if deadline <= hand.now {
                        return;
                    }
                    let (wake, waiting) = oneshot::channel();
                    let id = hand.next;
                    hand.next += 1;
                    hand.waiting.insert((deadline, id), wake);
                    waiting
                };
                if waiting.await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// Waits for `duration`.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.moment().plus(duration)).await;
    }

    /// Runs `future` for at most `limit`.
    ///
    /// # Errors
    ///
    /// [`Elapsed`] when the time runs out first; the future is dropped.
    pub async fn timeout<F: Future>(
        &self,
        limit: Duration,
        future: F,
    ) -> Result<F::Output, Elapsed> {
        tokio::select! {
            biased;
            output = future => Ok(output),
            () = self.sleep(limit) => Err(Elapsed),
        }
    }

    /// Runs `future` until `deadline`. When that is over it is still polled once, so that a request
    /// over an open connection is sent.
    ///
    /// # Errors
    ///
    /// As [`timeout`](Self::timeout).
    pub async fn timeout_at<F: Future>(
        &self,
        deadline: Moment,
        future: F,
    ) -> Result<F::Output, Elapsed> {
        tokio::select! {
            biased;
            output = future => Ok(output),
            () = self.sleep_until(deadline) => Err(Elapsed),
        }
    }

    /// Sets a manual wall clock, as an administrator or a time server does: no sleeper is woken,
    /// and durations are unaffected.
    ///
    /// Does nothing with a system clock.
    pub fn set_wall(&self, wall_ms: i64) {
        if let Source::Manual(hand) = &self.0 {
            hand.lock().wall_ms = wall_ms;
        }
    }

    /// Moves a manual clock forward, stopping at every deadline on the way to let the tasks run that
    /// wait for it.
    ///
    /// Does nothing with a system clock.
    pub async fn advance(&self, by: Duration) {
        let Source::Manual(hand) = &self.0 else {
            return;
        };
        let end = hand.lock().now.plus(by);
        loop {
            let woken = {
                let mut hand = hand.lock();
                let next = hand.waiting.first_key_value().map(|((at, _), _)| *at);
                let until = next.map_or(end, |at| at.min(end));
                let step = until.since(hand.now);
                hand.wall_ms += i64::try_from(step.as_millis()).unwrap_or(i64::MAX);
                hand.now = until;
                hand.take_due()
            };
            if woken.is_empty() {
                break;
            }
            let wakes = woken.into_iter().map(|wake| wake.send(()).is_ok());
            if wakes.fold(false, |any, one| any | one) {
                settle().await;
            }
        }
        settle().await;
    }
}

/// Yields until tasks that are ready have run.
async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_goes_from_deadline_to_deadline() {
        let clock = Clock::manual(1_000);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let tasks = crate::tasks::Tasks::new(clock.clone());
        for seconds in [3_u64, 1, 2] {
            let (clock, seen) = (clock.clone(), Arc::clone(&seen));
            tasks.spawn("sleeper", async move {
                clock.sleep(Duration::from_secs(seconds)).await;
                seen.lock().push((seconds, clock.now_ms()));
            });
        }
        settle().await;

        clock.advance(Duration::from_secs(2)).await;

        assert_eq!(*seen.lock(), [(1, 2_000), (2, 3_000)]);
    }

    #[tokio::test]
    async fn a_timeout_ends_what_takes_too_long() {
        let clock = Clock::manual(0);
        let never = std::future::pending::<()>();

        let limit = Duration::from_secs(1);
        let (outcome, ()) = tokio::join!(clock.timeout(limit, never), clock.advance(limit));

        assert_eq!(outcome, Err(Elapsed));
    }
}
