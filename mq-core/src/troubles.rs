//! What goes wrong at present: people hear of it when it begins, at most once a minute while it
//! lasts, and when it is over; not each time in between. What comes and goes is no news each time
//! either: on a full disk there is room for short messages, and none for the long ones between them.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::clock::{Clock, Moment};

/// A trouble that lasts, or has come back, is told of again after this.
const TOLD_AGAIN_AFTER: Duration = Duration::from_mins(1);

/// The troubles that last, by what goes wrong. There must be a bound on how many kinds there are:
/// each is kept until its end, and for a minute after people heard of it.
#[derive(Debug)]
pub(crate) struct Troubles<K> {
    clock: Clock,
    known: Mutex<BTreeMap<K, Known>>,
    /// Whether any lasts: where all is well, asking for the end of one takes no lock.
    any: AtomicBool,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    told: Moment,
    /// How often it came again since.
    untold: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It lasts, and people have heard that it does.
    Told,
    /// It has come back, and the last that people heard is that it was over.
    Untold,
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

    /// `what` goes wrong. `Some` when people are to hear of it, with how often it went wrong since
    /// they last did: 0 when it begins.
    pub(crate) fn begin(&self, what: K) -> Option<u64> {
        let now = self.clock.moment();
        let mut known = self.known.lock();
        let is_recent = |trouble: &Known| now.since(trouble.told) < TOLD_AGAIN_AFTER;
        known.retain(|_, trouble| trouble.state != State::Over || is_recent(trouble));
        self.any.store(true, Ordering::Release);
        let Some(trouble) = known.get_mut(&what) else {
            let begun = Known {
                told: now,
                untold: 0,
                state: State::Told,
            };
            known.insert(what, begun);
            return Some(0);
        };
        trouble.untold += 1;
        if is_recent(trouble) {
            if trouble.state == State::Over {
                trouble.state = State::Untold;
            }
            return None;
        }
        trouble.told = now;
        trouble.state = State::Told;
        Some(std::mem::take(&mut trouble.untold))
    }

    /// `what` is well; whether people heard that it was not.
    pub(crate) fn end<Q: Ord + ?Sized>(&self, what: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let mut known = self.known.lock();
        let before = known.get_mut(what);
        let before = before.map(|trouble| std::mem::replace(&mut trouble.state, State::Over));
        let any = known.values().any(|trouble| trouble.state != State::Over);
        self.any.store(any, Ordering::Release);
        before == Some(State::Told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_trouble_is_told_when_it_begins_once_a_minute_and_when_it_ends() {
        let clock = Clock::manual(0);
        let troubles = Troubles::new(clock.clone());
        let mut told = Vec::new();
        for second in 0..=120 {
            if let Some(untold) = troubles.begin("disk") {
                told.push((second, untold));
            }
            clock.advance(Duration::from_secs(1)).await;
        }

        assert_eq!(told, [(0, 0), (60, 60), (120, 60)]);
        assert!(!troubles.end("other"));
        assert!(troubles.end("disk"));
        assert!(!troubles.end("disk"));
        clock.advance(TOLD_AGAIN_AFTER).await;
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
            if let Some(untold) = troubles.begin("disk") {
                begun.push((second, untold));
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
