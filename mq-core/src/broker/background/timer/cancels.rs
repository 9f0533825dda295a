//! The messages that cancel others, in memory, by the second in which these are due.
//!
//! Each is read once, before the other may be due, and stays until nothing is left that it could cancel: it
//! is stored again with the other when their segment goes.

use std::collections::{BTreeMap, HashSet};

use super::second::{Second, Timer};

/// The messages that cancel others.
#[derive(Debug, Default)]
pub(super) struct Cancels(BTreeMap<i64, CancelsOfSecond>);

#[derive(Debug, Default)]
struct CancelsOfSecond {
    read: Vec<Timer>,
    unread: Vec<Timer>,
}

impl Cancels {
    /// Adds one.
    pub(super) fn put(&mut self, timer: Timer) {
        let of_second = self.0.entry(Second::of(timer.due_ms)).or_default();
        of_second.unread.push(timer);
    }

    /// Those of messages that are due by `until_ms`, each given once.
    pub(super) fn take(&mut self, until_ms: i64) -> Vec<Timer> {
        let mut taken = Vec::new();
        for (_, CancelsOfSecond { read, unread }) in self.0.range_mut(..=Second::of(until_ms)) {
            taken.extend_from_slice(unread);
            read.append(unread);
        }
        taken
    }

    /// What was taken could not be read, and is given once more.
    pub(super) fn put_back(&mut self, timers: &[Timer]) {
        for timer in timers {
            if let Some(of_second) = self.0.get_mut(&Second::of(timer.due_ms)) {
                of_second.read.retain(|read| read != timer);
                of_second.unread.push(*timer);
            }
        }
    }

    /// Drops those of the seconds before that of `until_ms`; says whether there were any.
    pub(super) fn drop_before(&mut self, until_ms: i64) -> bool {
        let kept = self.0.split_off(&Second::of(until_ms));
        let dropped = std::mem::replace(&mut self.0, kept);
        !dropped.is_empty()
    }

    /// Removes those among `timers` that cancel others.
    pub(super) fn remove(&mut self, timers: &[Timer]) {
        let cancels = timers.iter().filter(|timer| timer.cancels);
        let gone: HashSet<u64> = cancels.map(|timer| timer.offset).collect();
        if gone.is_empty() {
            return;
        }
        for CancelsOfSecond { read, unread } in self.0.values_mut() {
            read.retain(|timer| !gone.contains(&timer.offset));
            unread.retain(|timer| !gone.contains(&timer.offset));
        }
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = Timer> {
        let of_seconds = self.0.values();
        of_seconds.flat_map(|of_second| of_second.read.iter().chain(&of_second.unread).copied())
    }
}
