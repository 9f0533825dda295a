//! What goes wrong at present: people hear of it when it begins, at most once a minute while it
//! lasts, and when it is over; not each time in between.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::clock::{Clock, Moment};

/// A trouble that lasts is told of again after this.
const TOLD_AGAIN_AFTER: Duration = Duration::from_mins(1);

/// The troubles that last, by what goes wrong. There must be a bound on how many kinds there are:
/// each is kept until its end.
#[derive(Debug)]
pub(crate) struct Troubles<K> {
    clock: Clock,
    lasting: Mutex<BTreeMap<K, Lasting>>,
    /// Whether there is any: where all is well, asking for the end of one takes no lock.
    any: AtomicBool,
}

#[derive(Clone, Copy, Debug)]
struct Lasting {
    told: Moment,
    /// How often it came again since.
    untold: u64,
}

impl<K: Ord> Troubles<K> {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            lasting: Mutex::default(),
            any: AtomicBool::new(false),
        }
    }

    /// `what` goes wrong. `Some` when people are to hear of it, with how often it went wrong since
    /// they last did: 0 when it begins.
    pub(crate) fn begin(&self, what: K) -> Option<u64> {
        let now = self.clock.moment();
        let mut lasting = self.lasting.lock();
        self.any.store(true, Ordering::Release);
        let Some(known) = lasting.get_mut(&what) else {
            let begun = Lasting {
                told: now,
                untold: 0,
            };
            lasting.insert(what, begun);
            return Some(0);
        };
        known.untold += 1;
        if now.since(known.told) < TOLD_AGAIN_AFTER {
            return None;
        }
        known.told = now;
        Some(std::mem::take(&mut known.untold))
    }

    /// `what` is well; whether it was not before.
    pub(crate) fn end<Q: Ord + ?Sized>(&self, what: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let mut lasting = self.lasting.lock();
        let ended = lasting.remove(what).is_some();
        self.any.store(!lasting.is_empty(), Ordering::Release);
        ended
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
        assert_eq!(troubles.begin("disk"), Some(0), "it begins anew");
    }
}
