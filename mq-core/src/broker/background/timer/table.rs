//! The messages that wait, in memory, by the second in which they are due.
//!
//! Invariants: a message of the queue is here from the moment at which it can be read until it is
//! delivered, cancelled or stored again. What is taken for one of these stays here as being on its way
//! until that has ended well, and comes back when it has not.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use parking_lot::Mutex;
use tokio::sync::Notify;

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
    /// Something is due earlier than what was waited for.
    pub(super) news: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    seconds: BTreeMap<i64, Second>,
    /// Messages that cancel others, by the second of these.
    cancels: BTreeMap<i64, Cancels>,
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

#[derive(Debug, Default)]
struct Cancels {
    read: Vec<Timer>,
    unread: Vec<Timer>,
}

impl Waiting {
    fn put(&mut self, timer: Timer) {
        if timer.cancels {
            let cancels = self.cancels.entry(Second::of(timer.due_ms)).or_default();
            cancels.unread.push(timer);
            return;
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
        let others = self.held().chain(self.cancels());
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

    fn cancels(&self) -> impl Iterator<Item = Timer> {
        let cancels = self.cancels.values();
        cancels.flat_map(|cancels| cancels.read.iter().chain(&cancels.unread).copied())
    }

    /// The smallest queue offset of a message that waits.
    fn least(&self) -> u64 {
        let seconds = self.seconds.values().map(Second::least);
        let on_their_way = self.on_their_way.keys().copied();
        let others = self.held().chain(self.cancels());
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
        let mut waiting = self.waiting.lock();
        let mut taken = Vec::new();
        for (_, cancels) in waiting.cancels.range_mut(..=Second::of(until_ms)) {
            taken.extend_from_slice(&cancels.unread);
            let Cancels { read, unread } = cancels;
            read.append(unread);
        }
        taken
    }

    /// What was taken could not be read.
    pub(super) fn put_cancels_back(&self, timers: &[Timer]) {
        let mut waiting = self.waiting.lock();
        for timer in timers {
            if let Some(cancels) = waiting.cancels.get_mut(&Second::of(timer.due_ms)) {
                cancels.read.retain(|read| read != timer);
                cancels.unread.push(*timer);
            }
        }
    }

    /// Nothing that is due by `until_ms` is left to be delivered. Drops what has cancelled it, unless a
    /// message is being stored again, whose copy may be due by then; says whether it did.
    pub(super) fn drop_cancels(&self, until_ms: i64) -> bool {
        let mut waiting = self.waiting.lock();
        if !waiting.on_their_way.is_empty() || waiting.end < waiting.copies_end {
            return false;
        }
        let kept = waiting.cancels.split_off(&Second::of(until_ms));
        waiting.is_changed |= !waiting.cancels.is_empty();
        waiting.cancels = kept;
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
        let others = waiting.held().chain(waiting.cancels());
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
        waiting.remove_cancels(timers);
        waiting.copies_end = waiting.copies_end.max(copies_end);
        waiting.is_changed = true;
    }

    /// How many messages wait.
    pub(in crate::broker) fn count(&self) -> usize {
        let waiting = self.waiting.lock();
        let seconds: usize = waiting.seconds.values().map(Second::len).sum();
        seconds + waiting.ready.len() + waiting.on_their_way.len() + waiting.held().count()
    }

    /// What is to be saved, with at most `max` messages that are late; `None` when nothing changed, there
    /// are more of them, or the table is not complete.
    pub(super) fn progress(&self, max: usize) -> Option<TimerProgress> {
        let mut waiting = self.waiting.lock();
        if !waiting.is_changed || !waiting.is_loaded {
            return None;
        }
        let late = waiting.due_by(waiting.delivered_until);
        let mut late: Vec<u64> = late.take(max.saturating_add(1)).collect();
        if late.len() > max {
            return None;
        }
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

    /// The progress could not be saved.
    pub(super) fn say_changed(&self) {
        self.waiting.lock().is_changed = true;
    }
}

impl Waiting {
    fn remove_cancels(&mut self, timers: &[Timer]) {
        let cancels = timers.iter().filter(|timer| timer.cancels);
        let gone: HashSet<u64> = cancels.map(|timer| timer.offset).collect();
        if gone.is_empty() {
            return;
        }
        for cancels in self.cancels.values_mut() {
            cancels.read.retain(|timer| !gone.contains(&timer.offset));
            cancels.unread.retain(|timer| !gone.contains(&timer.offset));
        }
    }

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
mod tests {
    use super::*;

    fn timer(due_ms: i64, offset: u64) -> Timer {
        Timer {
            due_ms,
            offset,
            cancels: false,
        }
    }

    /// A loaded table with messages of these times, from queue offset 0 on.
    fn table(tags: &[i64]) -> TimerTable {
        let table = TimerTable::default();
        for (offset, tag) in (0..).zip(tags) {
            table.arrived(offset, *tag);
        }
        table.say_loaded();
        table
    }

    fn offsets(timers: &[Timer]) -> Vec<u64> {
        timers.iter().map(|timer| timer.offset).collect()
    }

    #[test]
    fn what_is_due_comes_in_the_order_of_its_time_and_not_a_millisecond_early() {
        let table = table(&[5_001, 4_999, 5_000, 9_000, 5_000]);

        let due = table.take(4_998, 9);
        assert_eq!((offsets(&due.timers), due.next_ms), (vec![], Some(4_999)));
        assert_eq!(offsets(&table.take(5_000, 9).timers), [1, 2, 4]);
        assert_eq!(table.take(5_000, 9).next_ms, Some(5_001));
        assert_eq!(offsets(&table.take(8_000, 9).timers), [0]);
        assert_eq!(table.take(8_000, 9).next_ms, Some(9_000));
        assert_eq!(offsets(&table.take(10_000, 9).timers), [3]);
        assert_eq!(table.take(10_000, 9).next_ms, None);
    }

    #[test]
    fn when_much_is_due_neighbors_come_together_and_nothing_is_early() {
        let table = table(&[5_030, 5_010, 5_040, 5_020, 5_900, 5_000]);

        let first = table.take(5_100, 2).timers;
        assert_eq!(offsets(&first), [0, 1]);
        table.arrived(6, 5_050);
        assert!(table.has_before(3) && table.count() == 7);
        assert_eq!(offsets(&table.take(5_100, 2).timers), [2, 3]);
        assert_eq!(offsets(&table.take(5_100, 2).timers), [5]);
        assert_eq!(offsets(&table.take(5_100, 2).timers), [6]);
        assert_eq!(table.take(5_100, 2).next_ms, Some(5_900));
    }

    /// Its batch had bytes enough without it.
    #[test]
    fn what_is_given_back_is_the_first_to_be_taken_again() {
        let table = table(&[5_000, 5_001, 5_002, 5_003]);
        let taken = table.take(6_000, 3).timers;
        table.settle(&taken[..1]);

        table.give_back(&taken[1..]);

        assert!(table.has_before(2) && table.count() == 3);
        assert_eq!(offsets(&table.take(6_000, 2).timers), [1, 2]);
        assert_eq!(offsets(&table.take(6_000, 2).timers), [3]);
    }

    #[test]
    fn a_message_that_comes_late_into_its_second_is_taken_in_turn() {
        let table = table(&[5_900, 5_100]);
        assert_eq!(offsets(&table.take(5_100, 9).timers), [1]);

        table.arrived(2, 5_500);
        table.arrived(3, 5_050);

        assert_eq!(offsets(&table.take(5_500, 9).timers), [3, 2]);
        assert_eq!(offsets(&table.take(6_000, 9).timers), [0]);
    }

    #[tokio::test]
    async fn only_what_is_due_earlier_ends_the_sleep() {
        let table = table(&[5_000]);
        table.take(0, 9);
        let news = || {
            use futures_util::FutureExt as _;
            table.news.notified().now_or_never().is_some()
        };
        news();

        table.arrived(1, 6_000);
        assert!(!news());
        table.arrived(2, 4_999);
        assert!(news());
    }

    #[test]
    fn what_was_delivered_is_told_from_what_waits() {
        let table = table(&[7_000, 1_000, 2_000, 3_000]);
        let taken = table.take(2_000, 9).timers;
        table.settle(&taken);

        let progress = table.progress(9).unwrap();

        let waits = |offset, due_ms| progress.is_pending(offset, due_ms);
        assert_eq!([waits(0, 7_000), waits(3, 3_000)], [true, true]);
        assert_eq!([waits(1, 1_000), waits(2, 2_000)], [false, false]);
        assert!(
            waits(4, 1_500),
            "one that comes later waits, whatever its time"
        );
        assert!(table.progress(9).is_none(), "nothing changed");
    }

    /// The order in which messages are delivered is not always that of their times: one waits for its
    /// topic, or the clock was set back.
    #[test]
    fn what_is_late_while_later_ones_were_delivered_is_listed() {
        let table = table(&[1_000, 2_000, 3_000]);
        let taken = table.take(3_000, 9).timers;
        let [first, second, third] = taken[..] else {
            panic!("{taken:?}")
        };
        table.hold(&TopicName::new("away").unwrap(), first);
        table.put_back(&[second]);
        table.settle(&[third]);
        table.arrived(3, 500);

        let progress = table.progress(9).unwrap();

        assert_eq!((progress.least, progress.end), (0, 4));
        assert_eq!(progress.waiting, [0, 1, 3]);
        let waits = |offset, due_ms| progress.is_pending(offset, due_ms);
        assert_eq!(
            [waits(0, 1_000), waits(1, 2_000), waits(2, 3_000)],
            [true, true, false]
        );
        assert!(waits(3, 500));
        table.arrived(4, 9_000);
        assert!(table.progress(2).is_none(), "too many to be listed");
        assert!(table.progress(3).is_some());
    }

    #[test]
    fn what_lies_before_an_offset_is_taken_oldest_first_whatever_it_waits_for() {
        let table = table(&[9_000, -9_000, 1_000, 9_000, 9_000]);
        let due = table.take(1_000, 9).timers;
        table.hold(&TopicName::new("away").unwrap(), due[0]);

        assert!(table.has_before(1) && !table.has_before(0));
        assert_eq!(offsets(&table.take_oldest(4, 2)), [0, 1]);
        assert!(
            table.take_oldest(4, 9).is_empty(),
            "what is older is on its way"
        );
        let cancel = Timer {
            cancels: true,
            ..timer(9_000, 1)
        };
        table.forget(&[timer(9_000, 0), cancel], 5);
        let held = table.take_oldest(4, 9);
        assert_eq!(offsets(&held), [2, 3]);
        table.forget(&held, 5);

        assert!(!table.has_before(4) && table.has_before(5));
        let progress = table.progress(9).unwrap();
        assert_eq!(progress.least, 4);
        assert!(!progress.is_pending(3, 9_000), "it was stored again");
        assert_eq!(table.count(), 1);
    }

    /// Regression: a message that was called back was delivered, because what had cancelled it was being
    /// stored again, or was dropped while the message was.
    #[test]
    fn what_is_stored_again_stays_cancelled() {
        let table = table(&[1_000, -1_000]);
        let taken = table.take_oldest(2, 9);

        assert_eq!(offsets(&table.take_cancels(3_000)), [1]);
        assert!(!table.drop_cancels(9_000), "the message is on its way");
        assert_eq!(table.progress(9).unwrap().least, 0);
        table.forget(&taken, 4);
        assert!(!table.drop_cancels(9_000), "the copy is to come");
        table.arrived(2, 1_000);
        table.arrived(3, -1_000);

        assert_eq!(offsets(&table.take_cancels(9_000)), [3]);
        let due = table.take(9_000, 9).timers;
        assert!(!table.drop_cancels(9_000), "the copy is being delivered");
        table.settle(&due);
        assert!(table.drop_cancels(9_000));
        assert!(!table.has_before(4));
    }

    #[test]
    fn a_cancel_that_could_not_be_stored_again_is_there_once() {
        let table = table(&[-1_000]);
        let taken = table.take_oldest(1, 9);
        table.put_back(&taken);

        assert_eq!(offsets(&table.take_cancels(1_000)), [0]);
    }

    /// Regression: what came while Apache's wheel was taken over was delivered again after an end in
    /// order, because the queue was said to end before it.
    #[test]
    fn what_came_before_the_begin_is_in_the_progress() {
        let table = TimerTable::default();
        table.arrived(7, 1_000);
        table.begin(&TimerProgress::default(), 7);
        table.say_loaded();

        let due = table.take(1_000, 9).timers;
        table.settle(&due);

        assert!(!table.progress(9).unwrap().is_pending(7, 1_000));
    }

    #[test]
    fn cancels_are_given_once_and_stay_until_nothing_is_left_to_cancel() {
        let table = table(&[-5_500, -8_000]);

        let cancels = table.take_cancels(6_000);
        assert_eq!(offsets(&cancels), [0]);
        assert!(table.take_cancels(6_000).is_empty());
        table.put_cancels_back(&cancels);
        assert_eq!(table.take_cancels(6_000), cancels);

        assert!(table.has_before(1));
        assert!(table.drop_cancels(5_000));
        assert!(table.has_before(1));
        assert!(table.drop_cancels(6_000));
        assert!(!table.has_before(1));
        assert_eq!(offsets(&table.take_cancels(9_000)), [1]);
    }
}
