//! Statistics of pulls: how many messages consumers received, and up to which offset
//! (`BrokerStatsManager`, `ConsumerOffsetManager.pullOffsetTable`).
//!
//! Invariant: this is shown to administrators only; it is neither saved nor used in any decision.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytestring::ByteString;
use parking_lot::{Mutex, RwLock};

use crate::broker::state::offsets::GroupQueue;
use crate::clock::{Clock, Moment};
use crate::message::QueueOffset;

/// The messages of a span of time, counted in intervals. The current interval and those of the span
/// before it are kept.
#[derive(Debug)]
struct Window<const INTERVALS: usize> {
    interval: Duration,
    since: Moment,
    /// The interval of the newest count, counted from `since`.
    newest: u64,
    /// Newest first.
    counts: [u64; INTERVALS],
}

/// How many messages, and how many for each second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::broker) struct SpanCount {
    pub(in crate::broker) sum: u64,
    pub(in crate::broker) per_second: f64,
}

impl<const INTERVALS: usize> Window<INTERVALS> {
    fn new(interval: Duration, since: Moment) -> Self {
        Self {
            interval,
            since,
            newest: 0,
            counts: [0; INTERVALS],
        }
    }

    fn add(&mut self, count: u64, now: Moment) {
        self.move_to(now);
        if let Some(newest) = self.counts.first_mut() {
            *newest += count;
        }
    }

    fn count(&mut self, now: Moment) -> SpanCount {
        self.move_to(now);
        let (age, step) = (
            now.since(self.since).as_secs_f64(),
            self.interval.as_secs_f64(),
        );
        let before = u32::try_from(INTERVALS.saturating_sub(1)).unwrap_or(u32::MAX);
        let kept = f64::from(before) * step + age % step;
        let sum = self.counts.iter().sum::<u64>();
        #[expect(
            clippy::cast_precision_loss,
            reason = "a rate needs no more than 52 bits"
        )]
        let messages = sum as f64;
        // Divide by at least one interval, because a rate over less time would be random.
        SpanCount {
            sum,
            per_second: messages / age.min(kept).max(step),
        }
    }

    /// Drops what is older than the span.
    fn move_to(&mut self, now: Moment) {
        let step = now.since(self.since).as_secs() / self.interval.as_secs().max(1);
        let passed = usize::try_from(step - self.newest).unwrap_or(INTERVALS);
        self.counts.rotate_right(passed.min(INTERVALS));
        for count in self.counts.iter_mut().take(passed) {
            *count = 0;
        }
        self.newest = step;
    }
}

/// The messages of the last minute, hour and day, in Apache's intervals (`StatsItem`).
#[derive(Debug)]
struct Recent {
    minute: Window<7>,
    hour: Window<7>,
    day: Window<25>,
}

impl Recent {
    fn new(since: Moment) -> Self {
        Self {
            minute: Window::new(Duration::from_secs(10), since),
            hour: Window::new(Duration::from_mins(10), since),
            day: Window::new(Duration::from_hours(1), since),
        }
    }

    fn add(&mut self, count: u64, now: Moment) {
        self.minute.add(count, now);
        self.hour.add(count, now);
        self.day.add(count, now);
    }
}

/// The counts of the last minute, hour and day.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::broker) struct RecentCounts {
    pub(in crate::broker) minute: SpanCount,
    pub(in crate::broker) hour: SpanCount,
    pub(in crate::broker) day: SpanCount,
}

/// What a group received of a topic.
#[derive(Debug)]
struct TopicStatistics {
    recent: Recent,
    /// By queue, the offset after the last message received.
    next: HashMap<i32, i64>,
}

impl TopicStatistics {
    fn new(now: Moment) -> Self {
        Self {
            recent: Recent::new(now),
            next: HashMap::new(),
        }
    }

    fn record(&mut self, queue: i32, count: u64, next: QueueOffset, now: Moment) {
        self.recent.add(count, now);
        self.next.insert(queue, next.to_wire());
    }
}

/// By topic, by group. Pulls of different groups or topics do not block each other, except when an
/// entry is new.
type StatisticsTable = HashMap<ByteString, HashMap<ByteString, Mutex<TopicStatistics>>>;

/// What consumers received.
#[derive(Debug)]
pub(in crate::broker) struct DeliveryStatistics {
    total: AtomicU64,
    table: RwLock<StatisticsTable>,
    clock: Clock,
}

impl DeliveryStatistics {
    pub(in crate::broker) fn new(clock: Clock) -> Self {
        Self {
            total: AtomicU64::new(0),
            table: RwLock::default(),
            clock,
        }
    }

    /// A pull was answered with `count` messages; the next one begins at `next`.
    pub(in crate::broker) fn record(&self, at: GroupQueue<'_>, count: usize, next: QueueOffset) {
        let now = self.clock.moment();
        let count = count as u64;
        self.total.fetch_add(count, Ordering::Relaxed);
        let known = self.with(at.group, at.topic, |given| {
            given.record(at.queue, count, next, now);
        });
        if known.is_none() {
            let mut table = self.table.write();
            let groups = table.entry(at.topic.into()).or_default();
            let given = groups.entry(at.group.into());
            let given = given.or_insert_with(|| Mutex::new(TopicStatistics::new(now)));
            given.get_mut().record(at.queue, count, next, now);
        }
    }

    /// Messages received since the start.
    pub(in crate::broker) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Messages of the topic that the group received per second, over the last minute.
    pub(in crate::broker) fn per_second(&self, group: &str, topic: &str) -> f64 {
        let now = self.clock.moment();
        let rate = self.with(group, topic, |given| {
            given.recent.minute.count(now).per_second
        });
        rate.unwrap_or(0.0)
    }

    /// Messages of the topic that the group received lately.
    pub(in crate::broker) fn recent(&self, group: &str, topic: &str) -> RecentCounts {
        let now = self.clock.moment();
        let counts = self.with(group, topic, |given| RecentCounts {
            minute: given.recent.minute.count(now),
            hour: given.recent.hour.count(now),
            day: given.recent.day.count(now),
        });
        counts.unwrap_or_default()
    }

    /// The offset after the last message of a queue that the group received.
    pub(in crate::broker) fn next(&self, at: GroupQueue<'_>) -> Option<i64> {
        let next = |given: &mut TopicStatistics| given.next.get(&at.queue).copied();
        self.with(at.group, at.topic, next).flatten()
    }

    /// Removes a topic, because its offsets begin again at 0.
    pub(in crate::broker) fn forget_topic(&self, topic: &str) {
        self.table.write().remove(topic);
    }

    /// Removes a group.
    pub(in crate::broker) fn forget_group(&self, group: &str) {
        let mut table = self.table.write();
        for groups in table.values_mut() {
            groups.remove(group);
        }
        table.retain(|_, groups| !groups.is_empty());
    }

    /// Applies `f` to the entry of the group and topic; `None` when there is none yet.
    fn with<T>(
        &self,
        group: &str,
        topic: &str,
        f: impl FnOnce(&mut TopicStatistics) -> T,
    ) -> Option<T> {
        let table = self.table.read();
        let given = table.get(topic)?.get(group)?;
        Some(f(&mut given.lock()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::offsets::at;
    use super::*;

    #[tokio::test]
    async fn a_rate_is_that_of_the_last_minute() {
        let clock = Clock::manual(0);
        let given = DeliveryStatistics::new(clock.clone());
        let rate = || given.per_second("shop", "orders");
        let equal = |a: f64, b: f64| (a - b).abs() < 1e-9;

        given.record(at(0), 30, QueueOffset(30));
        assert!(equal(rate(), 3.0), "a step is the least: {}", rate());
        clock.advance(Duration::from_secs(20)).await;
        given.record(at(1), 30, QueueOffset(30));
        assert!(equal(rate(), 3.0), "{}", rate());
        clock.advance(Duration::from_secs(55)).await;
        assert!(equal(rate(), 30.0 / 65.0), "the first are gone: {}", rate());
        clock.advance(Duration::from_mins(10)).await;
        assert!(equal(rate(), 0.0), "{}", rate());
        assert_eq!(given.total(), 60);
    }

    #[tokio::test]
    async fn what_left_the_minute_is_still_in_the_hour_and_then_in_the_day() {
        let clock = Clock::manual(0);
        let given = DeliveryStatistics::new(clock.clone());
        let sums = || {
            let recent = given.recent("shop", "orders");
            [recent.minute.sum, recent.hour.sum, recent.day.sum]
        };

        given.record(at(0), 30, QueueOffset(30));
        assert_eq!(sums(), [30, 30, 30]);
        clock.advance(Duration::from_mins(2)).await;
        given.record(at(0), 5, QueueOffset(35));
        assert_eq!(sums(), [5, 35, 35]);
        clock.advance(Duration::from_hours(2)).await;
        assert_eq!(sums(), [0, 0, 35]);
        clock.advance(Duration::from_hours(24)).await;

        assert_eq!(sums(), [0, 0, 0]);
    }

    #[test]
    fn how_far_a_group_was_given_a_queue_is_known_until_the_topic_or_the_group_goes() {
        let given = DeliveryStatistics::new(Clock::manual(0));
        given.record(at(0), 3, QueueOffset(3));
        given.record(at(1), 0, QueueOffset(9));
        given.record(at(0), 2, QueueOffset(5));

        assert_eq!(given.next(at(0)), Some(5));
        assert_eq!(given.next(at(1)), Some(9));
        assert_eq!(given.next(at(2)), None);

        given.forget_group("other");
        assert_eq!(given.next(at(0)), Some(5));
        given.forget_group("shop");
        assert_eq!(given.next(at(0)), None);
        given.record(at(0), 2, QueueOffset(5));
        given.forget_topic("orders");
        assert_eq!(given.next(at(0)), None);
    }
}
