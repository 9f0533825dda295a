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

/// The length of one sampling interval (`samplingInSeconds`).
const SAMPLING_INTERVAL: Duration = Duration::from_secs(10);
/// The number of intervals kept: the current one and the minute before it.
const SAMPLES_KEPT: usize = 7;

/// The number of messages in the last minute.
#[derive(Debug)]
struct Recent {
    since: Moment,
    /// The interval of the newest count, counted from `since`.
    newest: u64,
    /// Newest first.
    counts: [u64; SAMPLES_KEPT],
}

impl Recent {
    fn new(since: Moment) -> Self {
        Self {
            since,
            newest: 0,
            counts: [0; SAMPLES_KEPT],
        }
    }

    fn add(&mut self, count: u64, now: Moment) {
        self.move_to(now);
        if let Some(newest) = self.counts.first_mut() {
            *newest += count;
        }
    }

    fn per_second(&mut self, now: Moment) -> f64 {
        self.move_to(now);
        let (age, step) = (
            now.since(self.since).as_secs_f64(),
            SAMPLING_INTERVAL.as_secs_f64(),
        );
        let kept = 6.0 * step + age % step;
        #[expect(
            clippy::cast_precision_loss,
            reason = "a rate needs no more than 52 bits"
        )]
        let sum = self.counts.iter().sum::<u64>() as f64;
        // Divide by at least one interval, because a rate over less time would be random.
        sum / age.min(kept).max(step)
    }

    /// Drops what is older than a minute.
    fn move_to(&mut self, now: Moment) {
        let step = now.since(self.since).as_secs() / SAMPLING_INTERVAL.as_secs();
        let passed = usize::try_from(step - self.newest).unwrap_or(SAMPLES_KEPT);
        self.counts.rotate_right(passed.min(SAMPLES_KEPT));
        for count in self.counts.iter_mut().take(passed) {
            *count = 0;
        }
        self.newest = step;
    }
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
        let rate = self.with(group, topic, |given| given.recent.per_second(now));
        rate.unwrap_or(0.0)
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
