//! Logs each of many things once. Peers choose the things, so their number is limited: at the limit
//! one last line says so, and further new things are not logged.

use std::collections::BTreeSet;

/// The number of things that are logged, unless the user of [`LogOnce`] sets another.
pub(crate) const LOG_LIMIT: usize = 1_024;

/// The things that were logged, at most `LIMIT`.
#[derive(Debug)]
pub(crate) struct LogOnce<K, const LIMIT: usize = LOG_LIMIT> {
    logged: BTreeSet<K>,
    is_full: bool,
}

/// Whether to log a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogDecision {
    /// It is new: log it.
    First,
    /// The limit is reached: log that new things are not logged from now on.
    LimitReached,
    /// It was logged before, or the limit was reached before: do not log it.
    Skip,
}

impl<K, const LIMIT: usize> Default for LogOnce<K, LIMIT> {
    fn default() -> Self {
        Self {
            logged: BTreeSet::new(),
            is_full: false,
        }
    }
}

impl<K: Ord, const LIMIT: usize> LogOnce<K, LIMIT> {
    pub(crate) fn decide(&mut self, thing: K) -> LogDecision {
        if self.is_full || self.logged.contains(&thing) {
            return LogDecision::Skip;
        }
        if self.logged.len() >= LIMIT {
            self.is_full = true;
            return LogDecision::LimitReached;
        }
        self.logged.insert(thing);
        LogDecision::First
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_logged_once_up_to_the_limit_which_is_logged_once_too() {
        let mut once = LogOnce::<_>::default();
        let mut logged = Vec::new();

        for thing in (0..5_000).chain(0..5_000) {
            match once.decide(thing) {
                LogDecision::First => logged.push(thing),
                LogDecision::LimitReached => logged.push(-1),
                LogDecision::Skip => {}
            }
        }

        let expected: Vec<_> = (0..1_024).chain([-1]).collect();
        assert_eq!(logged, expected);
        assert_eq!(once.logged.len(), LOG_LIMIT);
    }
}
