//! The messages that wait, in memory, by the second in which they are due.
//!
//! Invariants: a message of the queue is here from the moment at which it can be read until it is
//! delivered, cancelled or stored again. What is taken for one of these stays here as being on its way
//! until that has ended well, and comes back when it has not.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::cancels::Cancels;
use super::progress::TimerProgress;
use super::second::{Second, Timer};
use crate::message::TopicName;

/// What is due.
#[derive(Debug, Default)]
pub(super) struct Due {
    pub(super) timers: Vec<Timer>,
    /// If that is nothing, when the next message is.
    pub(super) next_ms: Option<i64>,
}

/// The messages that wait.
#[derive(Debug, Default)]
pub(in crate::broker) struct TimerTable {
    waiting: Mutex<Waiting>,
    /// Of the saved progress, from which queue offset on messages wait.
    saved_least: AtomicU64,
    /// Something is due earlier than what was waited for.
    pub(super) news: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    seconds: BTreeMap<i64, Second>,
    /// Messages that cancel others.
    cancels: Cancels,
    /// Due, in the order in which they are taken, from the end: by their time, or when there are many by
    /// their place, because neighbors are read together.
    ready: Vec<Timer>,
    /// Taken, by queue offset.
    on_their_way: BTreeMap<u64, Timer>,
    /// Due, but their topic takes no messages.
    held: BTreeMap<TopicName, BTreeSet<Timer>>,
    /// Of all that was delivered, the latest time.
    delivered_until: i64,
    /// The queue offset behind the last message that came.
    end: u64,
    /// The queue offset behind the last message that was stored again, which may come in a moment.
    copies_end: u64,
    /// The table has all that waits.
    is_loaded: bool,
    /// Until then nothing was due when the service asked last.
    sleeps_until: i64,
    /// Something became of a message since the progress was given.
    is_changed: bool,
}

impl Waiting {
    fn put(&mut self, timer: Timer) {
        if timer.cancels {
            return self.cancels.put(timer);
        }
        let second = Second::of(timer.due_ms);
        let of_second = self.seconds.entry(second);
        of_second.or_insert_with(|| Second::new(second)).put(timer);
    }

    /// Makes ready what is due at `now_ms`; gives when the next message is.
    fn make_ready(&mut self, now_ms: i64, many: usize) -> Option<i64> {
        let next_ms = self.collect_due(now_ms);
        if self.ready.len() > many {
            self.ready
                .sort_unstable_by_key(|timer| Reverse(timer.offset));
        } else {
            self.ready.reverse();
        }
        next_ms
    }

    /// Adds what is due at `now_ms` to what is ready, by its time; gives when the next message is.
    fn collect_due(&mut self, now_ms: i64) -> Option<i64> {
        while let Some(mut entry) = self.seconds.first_entry() {
            let second = *entry.key();
            if second * 1_000 > now_ms {
                return Some(second * 1_000);
            }
            let of_second = entry.get_mut();
            self.ready.extend(of_second.take_due(now_ms));
            if let Some(next_ms) = of_second.next_ms() {
                return Some(next_ms);
            }
            entry.remove();
        }
        None
    }

    /// The queue offset of everything that is due by `until_ms` and not done with.
    fn due_by(&self, until_ms: i64) -> impl Iterator<Item = u64> {
        let seconds = self.seconds.range(..=Second::of(until_ms));
        let timers = seconds.flat_map(|(_, second)| second.iter());
        let others = self.held().chain(self.cancels.iter());
        let on_their_way = self.on_their_way.values().copied();
        let others = others.chain(on_their_way.filter(|timer| !timer.cancels));
        let others = others.chain(self.ready.iter().copied());
        let all = timers.chain(others);
        all.filter(move |timer| timer.due_ms <= until_ms)
            .map(|timer| timer.offset)
    }

    fn held(&self) -> impl Iterator<Item = Timer> {
        self.held.values().flatten().copied()
    }

    /// The smallest queue offset of a message that waits.
    fn least(&self) -> u64 {
        let seconds = self.seconds.values().map(Second::least);
        let on_their_way = self.on_their_way.keys().copied();
        let others = self.held().chain(self.cancels.iter());
        let others = others.chain(self.ready.iter().copied());
        let others = others.map(|timer| timer.offset);
        let least = seconds.chain(on_their_way).chain(others).min();
        least.unwrap_or(self.end)
    }
}

impl TimerTable {
    /// Begins with the progress of an earlier run, and a queue that ends before the queue offset `end`.
    pub(super) fn begin(&self, progress: &TimerProgress, end: u64) {
        let mut waiting = self.waiting.lock();
        waiting.delivered_until = progress.delivered_until;
        self.say_saved(progress);
        // Messages may have come meanwhile.
        waiting.end = waiting.end.max(end);
    }

    /// A message of the timer topic can be read; `tag` is the code of its entry.
    pub(in crate::broker) fn arrived(&self, offset: u64, tag: i64) {
        self.put(offset, tag);
        self.waiting.lock().end = offset + 1;
    }

    /// Adds a message.
    pub(super) fn put(&self, offset: u64, tag: i64) {
        let timer = Timer {
            due_ms: tag.saturating_abs(),
            offset,
            cancels: tag < 0,
        };
        let mut waiting = self.waiting.lock();
        waiting.is_changed = true;
        waiting.put(timer);
        if timer.due_ms < waiting.sleeps_until {
            self.news.notify_one();
        }
    }

    pub(super) fn say_loaded(&self) {
        self.waiting.lock().is_loaded = true;
    }

    /// Takes what is due at `now_ms`, at most `max`.
    pub(super) fn take(&self, now_ms: i64, max: usize) -> Due {
        let mut waiting = self.waiting.lock();
        let mut due = Due::default();
        if waiting.ready.is_empty() {
            let next_ms = waiting.make_ready(now_ms, max);
            if waiting.ready.is_empty() {
                due.next_ms = next_ms;
                waiting.sleeps_until = next_ms.unwrap_or(i64::MAX);
                return due;
            }
        }
        let left = waiting.ready.len().saturating_sub(max);
        due.timers.extend(waiting.ready.drain(left..).rev());
        for timer in &due.timers {
            waiting.on_their_way.insert(timer.offset, *timer);
        }
        due
    }

    /// Messages are in their topic, or are not to get there.
    pub(super) fn settle(&self, timers: &[Timer]) {
        let mut waiting = self.waiting.lock();
        for timer in timers {
            waiting.on_their_way.remove(&timer.offset);
            waiting.delivered_until = waiting.delivered_until.max(timer.due_ms);
        }
        waiting.is_changed |= !timers.is_empty();
    }

    /// Nothing became of what was taken.
    pub(super) fn put_back(&self, timers: &[Timer]) {
        let mut waiting = self.waiting.lock();
        for timer in timers {
            waiting.on_their_way.remove(&timer.offset);
            if !timer.cancels {
                waiting.put(*timer);
            }
        }
    }

    /// What was taken is the first to be taken next.
    pub(super) fn give_back(&self, timers: &[Timer]) {
        let mut waiting = self.waiting.lock();
        for timer in timers.iter().rev() {
            waiting.on_their_way.remove(&timer.offset);
            waiting.ready.push(*timer);
        }
    }

    /// What was taken waits until `topic` takes messages again.
    pub(super) fn hold(&self, topic: &TopicName, timer: Timer) {
        let mut waiting = self.waiting.lock();
        waiting.on_their_way.remove(&timer.offset);
        let held = waiting.held.entry(topic.clone().detached()).or_default();
        held.insert(timer);
        waiting.is_changed = true;
    }

    /// The topics for which messages are held.
    pub(super) fn held_topics(&self) -> Vec<TopicName> {
        self.waiting.lock().held.keys().cloned().collect()
    }

    /// What was held for `topic` is due again.
    pub(super) fn let_go(&self, topic: &TopicName) {
        let mut waiting = self.waiting.lock();
        for timer in waiting.held.remove(topic).unwrap_or_default() {
            waiting.put(timer);
        }
    }

    /// The messages that cancel others which are due by `until_ms`, each given once.
    pub(super) fn take_cancels(&self, until_ms: i64) -> Vec<Timer> {
        self.waiting.lock().cancels.take(until_ms)
    }

    /// What was taken could not be read.
    pub(super) fn put_cancels_back(&self, timers: &[Timer]) {
        self.waiting.lock().cancels.put_back(timers);
    }

    /// Nothing that is due by `until_ms` is left to be delivered. Drops what has cancelled it, unless a
    /// message is being stored again, whose copy may be due by then; says whether it did.
    pub(super) fn drop_cancels(&self, until_ms: i64) -> bool {
        let mut waiting = self.waiting.lock();
        if !waiting.on_their_way.is_empty() || waiting.end < waiting.copies_end {
            return false;
        }
        waiting.is_changed |= waiting.cancels.drop_before(until_ms);
        true
    }

    /// Whether something with a queue offset before `end` waits; also when that is not known yet.
    pub(super) fn has_before(&self, end: u64) -> bool {
        let waiting = self.waiting.lock();
        !waiting.is_loaded || waiting.least() < end
    }

    /// Takes what waits with a queue offset before `end`, the oldest first, at most `max`. None behind
    /// a message that is on its way already, so that the smaller offset is always done with first.
    ///
    /// A message that cancels another goes on doing so: the other may be due before the copy comes.
    pub(super) fn take_oldest(&self, end: u64, max: usize) -> Vec<Timer> {
        let mut waiting = self.waiting.lock();
        if !waiting.is_loaded {
            return Vec::new();
        }
        let first_on_its_way = waiting.on_their_way.keys().next().copied();
        let end = end.min(first_on_its_way.unwrap_or(u64::MAX));
        let others = waiting.held().chain(waiting.cancels.iter());
        let mut oldest: Vec<Timer> = others.chain(waiting.ready.iter().copied()).collect();
        let seconds = waiting.seconds.values();
        let seconds = seconds.filter(|second| second.least() < end);
        oldest.extend(seconds.flat_map(Second::iter));
        oldest.retain(|timer| timer.offset < end);
        oldest.sort_unstable_by_key(|timer| timer.offset);
        oldest.truncate(max);
        waiting.remove(&oldest);
        for timer in &oldest {
            waiting.on_their_way.insert(timer.offset, *timer);
        }
        oldest
    }

    /// Messages were stored again, behind all others and before the queue offset `copies_end`.
    pub(super) fn forget(&self, timers: &[Timer], copies_end: u64) {
        let mut waiting = self.waiting.lock();
        for timer in timers {
            waiting.on_their_way.remove(&timer.offset);
        }
        waiting.cancels.remove(timers);
        waiting.copies_end = waiting.copies_end.max(copies_end);
        waiting.is_changed = true;
    }

    /// How many messages wait.
    pub(in crate::broker) fn count(&self) -> usize {
        let waiting = self.waiting.lock();
        let seconds: usize = waiting.seconds.values().map(Second::len).sum();
        seconds + waiting.ready.len() + waiting.on_their_way.len() + waiting.held().count()
    }

    /// What is to be saved; `None` when nothing changed, or the table is not complete.
    pub(super) fn progress(&self) -> Option<TimerProgress> {
        let mut waiting = self.waiting.lock();
        if !waiting.is_changed || !waiting.is_loaded {
            return None;
        }
        let mut late: Vec<u64> = waiting.due_by(waiting.delivered_until).collect();
        late.sort_unstable();
        waiting.is_changed = false;
        Some(TimerProgress {
            delivered_until: waiting.delivered_until,
            end: waiting.end,
            least: waiting.least(),
            waiting: late,
            ..TimerProgress::default()
        })
    }

    /// This progress is on disk.
    pub(super) fn say_saved(&self, progress: &TimerProgress) {
        self.saved_least.store(progress.least, Ordering::Release);
    }

    /// Whether the saved progress needs nothing with a queue offset before `end`. What it says waits must be
    /// there after a crash, together with what has cancelled it.
    pub(super) fn is_saved_from(&self, end: u64) -> bool {
        self.saved_least.load(Ordering::Acquire) >= end
    }

    /// The progress could not be saved.
    pub(super) fn say_changed(&self) {
        self.waiting.lock().is_changed = true;
    }
}

impl Waiting {
    /// Removes messages that cancel none, which are sorted by their queue offsets.
    fn remove(&mut self, timers: &[Timer]) {
        let (Some(first), Some(last)) = (timers.first(), timers.last()) else {
            return;
        };
        let (first, last) = (first.offset, last.offset);
        let stays = |offset: u64| {
            let by_offset = |timer: &Timer| timer.offset.cmp(&offset);
            offset < first || offset > last || timers.binary_search_by(by_offset).is_err()
        };
        self.ready.retain(|timer| stays(timer.offset));
        for held in self.held.values_mut() {
            held.retain(|timer| stays(timer.offset));
        }
        self.held.retain(|_, held| !held.is_empty());
        let seconds = self.seconds.values_mut();
        for second in seconds.filter(|second| second.least() <= last) {
            second.retain(stays);
        }
        self.seconds.retain(|_, second| !second.is_empty());
    }
}

#[cfg(test)]
mod tests;
