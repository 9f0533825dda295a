//! The conditions that pulls bring with them, so that each is parsed once and not for every pull.
//!
//! Invariant: neither their number nor their length is a peer's choice.

use std::collections::HashMap;

use bytestring::ByteString;
use parking_lot::Mutex;

use crate::message::subscription::Filter;

/// So many are kept, as by Apache's `SelectorParser`; when there are more, all are forgotten.
const MAX_CONDITIONS: usize = 100;
/// A longer condition is parsed for every pull, in bytes.
const MAX_KEPT_LENGTH: usize = 4096;

/// Parsed conditions by their text.
#[derive(Debug, Default)]
pub(in crate::broker) struct RecentConditions(Mutex<HashMap<ByteString, Filter>>);

impl RecentConditions {
    /// The filter of a condition, a [malformed](Filter::malformed) one when it cannot be read.
    pub(in crate::broker) fn filter(&self, condition: &str) -> Filter {
        if let Some(known) = self.0.lock().get(condition) {
            return known.clone();
        }
        let filter = Filter::by_sql(condition).unwrap_or_else(Filter::malformed);
        if condition.len() <= MAX_KEPT_LENGTH {
            let mut kept = self.0.lock();
            if kept.len() >= MAX_CONDITIONS {
                kept.clear();
            }
            kept.insert(condition.into(), filter.clone());
        }
        filter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_peers_make_up_does_not_fill_the_memory() {
        let recent = RecentConditions::default();

        for number in 0..1_000 {
            assert!(recent.filter(&format!("a > {number}")).is_by_condition());
        }
        let long = format!("a = '{}'", "x".repeat(MAX_KEPT_LENGTH));
        assert!(recent.filter(&long).is_by_condition());

        let kept = recent.0.lock();
        assert!(kept.len() <= MAX_CONDITIONS, "{}", kept.len());
        assert!(kept.contains_key("a > 999") && !kept.contains_key(&*long));
    }

    #[test]
    fn a_condition_that_cannot_be_read_is_not_read_again() {
        let recent = RecentConditions::default();

        let first = recent.filter("a >");

        assert!(first.error().is_some());
        assert_eq!(recent.filter("a >"), first);
        assert!(recent.0.lock().contains_key("a >"));
    }
}
