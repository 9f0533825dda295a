//! Throttles the log of lasting failures: each is logged when it begins, at most once a minute
//! while it lasts, and when it ends, instead of at every occurrence. A failure that comes and goes
//! is throttled too: on a full disk, short messages still fit while long ones fail.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::clock::{Clock, Moment};

/// The time after which a failure that lasts, or has come back, is logged again.
const LOG_AGAIN_AFTER: Duration = Duration::from_mins(1);

/// The failures that last, by kind. The number of kinds must be bounded: each is kept until it
/// ends, and for a minute after it was logged.
#[derive(Debug)]
pub(crate) struct Troubles<K> {
    clock: Clock,
    known: Mutex<BTreeMap<K, Trouble>>,
    /// Whether any lasts, so that [`end`](Self::end) takes no lock in the usual case.
    any: AtomicBool,
}

#[derive(Clone, Copy, Debug)]
struct Trouble {
    logged: Moment,
    /// Occurrences since it was last logged.
    unlogged: u64,
    state: TroubleState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TroubleState {
    /// It lasts, and that is the last thing that was logged.
    Logged,
    /// It has come back, but the last thing that was logged is its end.
    Unlogged,
    Over,
}

impl<K: Ord> Troubles<K> {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            known: Mutex::default(),
            any: AtomicBool::new(false),
        }
    }

    /// `what` failed. `Some` when the caller should log it, with the number of occurrences that
    /// were not logged since the last log line: 0 for a new failure.
    pub(crate) fn begin(&self, what: K) -> Option<u64> {
        let now = self.clock.moment();
        let mut known = self.known.lock();
        let is_recent = |trouble: &Trouble| now.since(trouble.logged) < LOG_AGAIN_AFTER;
        known.retain(|_, trouble| trouble.state != TroubleState::Over || is_recent(trouble));
        self.any.store(true, Ordering::Release);
        let Some(trouble) = known.get_mut(&what) else {
            let begun = Trouble {
                logged: now,
                unlogged: 0,
                state: TroubleState::Logged,
            };
            known.insert(what, begun);
            return Some(0);
        };
        trouble.unlogged += 1;
        if is_recent(trouble) {
            if trouble.state == TroubleState::Over {
                trouble.state = TroubleState::Unlogged;
            }
            return None;
        }
        trouble.logged = now;
        trouble.state = TroubleState::Logged;
        Some(std::mem::take(&mut trouble.unlogged))
    }

    /// `what` works. Returns whether its failure was logged, so that the caller logs its end.
    pub(crate) fn end<Q: Ord + ?Sized>(&self, what: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let mut known = self.known.lock();
        let before = known.get_mut(what);
        let before =
            before.map(|trouble| std::mem::replace(&mut trouble.state, TroubleState::Over));
        let any = known
            .values()
            .any(|trouble| trouble.state != TroubleState::Over);
        self.any.store(any, Ordering::Release);
        before == Some(TroubleState::Logged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lasting_failure_is_logged_at_its_begin_once_a_minute_and_at_its_end() {
        let clock = Clock::manual(0);
        let troubles = Troubles::new(clock.clone());
        let mut logged = Vec::new();
        for second in 0..=120 {
            if let Some(unlogged) = troubles.begin("disk") {
                logged.push((second, unlogged));
            }
            clock.advance(Duration::from_secs(1)).await;
        }

        assert_eq!(logged, [(0, 0), (60, 60), (120, 60)]);
        assert!(!troubles.end("other"));
        assert!(troubles.end("disk"));
        assert!(!troubles.end("disk"));
        clock.advance(LOG_AGAIN_AFTER).await;
        assert_eq!(troubles.begin("disk"), Some(0), "it begins anew");
    }

    /// Short messages found room on a full disk and long ones did not: there were two lines for each
    /// pair of them.
    #[tokio::test]
    async fn a_trouble_that_comes_and_goes_is_told_once_a_minute_and_so_is_its_end() {
        let clock = Clock::manual(0);
        let troubles = Troubles::new(clock.clone());
        let (mut begun, mut ended) = (Vec::new(), Vec::new());
        for second in 0..=120 {
            if let Some(unlogged) = troubles.begin("disk") {
                begun.push((second, unlogged));
            }
            if troubles.end("disk") {
                ended.push(second);
            }
            clock.advance(Duration::from_secs(1)).await;
        }

        assert_eq!(begun, [(0, 0), (60, 0), (120, 0)]);
        assert_eq!(ended, [0, 60, 120]);
        clock.advance(Duration::from_secs(30)).await;
        assert_eq!(troubles.begin("disk"), None);
        clock.advance(Duration::from_secs(30)).await;
        assert_eq!(troubles.begin("disk"), Some(2), "it has come to stay");
        assert!(troubles.end("disk"));
    }
}
