//! Records of message trace that were dropped: counted, and told once a minute while it lasts.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Clock;
use crate::message::TopicName;
use crate::troubles::Troubles;

/// The records that a client has dropped.
#[derive(Debug)]
pub(in crate::client) struct LostTraces {
    count: AtomicU64,
    /// By trace topic.
    failing: Troubles<TopicName>,
}

impl LostTraces {
    pub(in crate::client) fn new(clock: Clock) -> Self {
        Self {
            count: AtomicU64::new(0),
            failing: Troubles::new(clock),
        }
    }

    pub(in crate::client) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(in crate::client) fn add(&self, topic: &TopicName, records: u64, reason: impl Display) {
        self.count.fetch_add(records, Ordering::Relaxed);
        if self.failing.begin(topic.clone()).is_some() {
            let lost = self.count();
            tracing::warn!(%topic, lost, %reason, "message traces are dropped; messages are not affected");
        }
    }

    /// As [`add`](Self::add), for records that come when nobody sends any more: that is no trouble of the
    /// trace topic.
    pub(in crate::client) fn count_late(&self, records: u64) {
        self.count.fetch_add(records, Ordering::Relaxed);
    }

    /// Records were stored.
    pub(in crate::client) fn end(&self, topic: &TopicName) {
        if self.failing.end(topic) {
            tracing::info!(%topic, "message traces are stored again");
        }
    }
}
