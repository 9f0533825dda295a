//! What wakes the delivery of a level: a message in its queue, or that a segment is to go in which some of
//! its messages wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::broker::config::{DelayLevels, MAX_LEVELS};
use crate::broker::state::delay_offsets::DelayOffsets;
use crate::message::{PhysicalOffset, QueueOffset};
use crate::store::{MessageStore, Needed, SCHEDULE_TOPIC};

/// What wakes the deliveries of all levels.
#[derive(Debug)]
pub(in crate::broker) struct Schedule(Vec<Level>);

#[derive(Debug, Default)]
struct Level {
    news: Notify,
    /// Messages with a smaller queue offset leave their queue although they are not due.
    leaves_before: AtomicU64,
}

impl Schedule {
    /// For the levels of the table, and those of a former, longer one in which messages wait.
    pub(in crate::broker) fn new(
        levels: &DelayLevels,
        store: &MessageStore,
        offsets: &DelayOffsets,
    ) -> Self {
        let most = i32::try_from(MAX_LEVELS).unwrap_or(i32::MAX);
        let former = (1..=most).rev().find(|level| {
            offsets.of(*level) < store.max_offset(SCHEDULE_TOPIC, level - 1).to_wire()
        });
        let former = former.and_then(|level| usize::try_from(level).ok());
        let count = levels.highest().max(former.unwrap_or(0));
        Self((0..count).map(|_| Level::default()).collect())
    }

    /// The numbers of all levels, from 1.
    pub(super) fn levels(&self) -> impl Iterator<Item = i32> + '_ {
        (1..).zip(&self.0).map(|(number, _)| number)
    }

    fn level(&self, queue: i32) -> Option<&Level> {
        self.0.get(usize::try_from(queue).ok()?)
    }

    /// A message has arrived in queue `queue` of the schedule topic.
    pub(in crate::broker) fn arrived(&self, queue: i32) {
        if let Some(level) = self.level(queue) {
            level.news.notify_one();
        }
    }

    pub(super) fn news_of(&self, level: i32) -> Option<&Notify> {
        self.level(level - 1).map(|level| &level.news)
    }

    pub(super) fn leaves_before(&self, level: i32) -> QueueOffset {
        let level = self.level(level - 1);
        let offset = level.map_or(0, |level| level.leaves_before.load(Ordering::Acquire));
        QueueOffset(offset)
    }
}

/// Has the messages leave that wait in a segment which is to go.
#[derive(Debug)]
pub(in crate::broker) struct Leaving {
    pub(in crate::broker) store: MessageStore,
    pub(in crate::broker) schedule: Arc<Schedule>,
    pub(in crate::broker) offsets: Arc<DelayOffsets>,
}

impl Needed for Leaving {
    fn releases(&self, end: PhysicalOffset) -> bool {
        let mut released = true;
        for (queue, level) in (0..).zip(&self.schedule.0) {
            let behind = self.store.first_offset_from(SCHEDULE_TOPIC, queue, end);
            // A queue that cannot be read may have something that waits.
            let Ok(behind) = behind else { return false };
            if self.offsets.of(queue + 1) < behind.to_wire() {
                level.leaves_before.fetch_max(behind.0, Ordering::AcqRel);
                level.news.notify_one();
                released = false;
            }
        }
        released
    }
}
