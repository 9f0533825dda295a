//! Pulls that wait for a message (long polling), by queue (`PullRequestHoldService`).
//!
//! Invariant: a waiting pull is on the list of its queue until its [`WaitGuard`] is dropped. It is
//! woken by arriving messages; the lists are never polled.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::message::subscription::Filter;
use crate::message::{QueueOffset, TopicName};

/// The pulls waiting for one queue, by id, so that removing one needs no search even among
/// thousands.
type QueueWaiters = BTreeMap<u64, Arc<PullWaiter>>;

const NOTHING_ARRIVED: u8 = 0;
const NONE_MATCHED: u8 = 1;
const MATCHED: u8 = 2;

#[derive(Debug)]
struct PullWaiter {
    from: QueueOffset,
    filter: Filter,
    state: AtomicU8,
    news: Notify,
}

impl PullWaiter {
    /// Wakes the pull if the message is at or after its offset, and records whether the filter may
    /// match.
    fn notify(&self, next: QueueOffset, tag: i64) {
        if next <= self.from {
            return;
        }
        let state = if self.filter.may_want(tag) {
            MATCHED
        } else {
            NONE_MATCHED
        };
        if self.state.fetch_max(state, Ordering::AcqRel) < state {
            self.news.notify_one();
        }
    }
}

/// The waiting pulls.
#[derive(Debug, Default)]
pub(in crate::broker) struct WaitingPulls {
    topics: Mutex<HashMap<TopicName, HashMap<i32, QueueWaiters>>>,
    count: AtomicUsize,
    next_id: AtomicU64,
}

impl WaitingPulls {
    /// Puts a pull on the list of a queue: it waits for messages from offset `from` on that pass
    /// `filter`.
    pub(in crate::broker) fn enter<'a>(
        &'a self,
        topic: &TopicName,
        queue: i32,
        from: QueueOffset,
        filter: &Filter,
    ) -> WaitGuard<'a> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let waiter = Arc::new(PullWaiter {
            from,
            filter: filter.clone(),
            state: AtomicU8::new(NOTHING_ARRIVED),
            news: Notify::new(),
        });
        let mut topics = self.topics.lock();
        let queues = topics.entry(topic.clone()).or_default();
        let waiters = queues.entry(queue).or_default();
        waiters.insert(id, Arc::clone(&waiter));
        self.count.fetch_add(1, Ordering::Relaxed);
        WaitGuard {
            waiting: self,
            topic: topic.clone(),
            queue,
            id,
            waiter,
        }
    }

    /// A message with the tag code `tag` can be read; `next` is the queue offset after it.
    pub(in crate::broker) fn arrived(
        &self,
        topic: &TopicName,
        queue: i32,
        next: QueueOffset,
        tag: i64,
    ) {
        // Look under the lock instead of at `count`: a pull that enters after this finds the
        // message when it reads.
        let topics = self.topics.lock();
        let Some(waiters) = topics.get(topic).and_then(|queues| queues.get(&queue)) else {
            return;
        };
        for waiter in waiters.values() {
            waiter.notify(next, tag);
        }
    }

    /// Wakes all pulls of a topic: it was deleted, or a group is to go on elsewhere in it.
    pub(in crate::broker) fn wake(&self, topic: &TopicName) {
        let topics = self.topics.lock();
        let queues = topics.get(topic).into_iter().flat_map(HashMap::values);
        for waiter in queues.flat_map(BTreeMap::values) {
            waiter.state.store(MATCHED, Ordering::Release);
            waiter.news.notify_one();
        }
    }

    /// The number of waiting pulls.
    pub(in crate::broker) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

/// A pull's place on the list; dropped to leave it.
#[derive(Debug)]
pub(in crate::broker) struct WaitGuard<'a> {
    waiting: &'a WaitingPulls,
    topic: TopicName,
    queue: i32,
    id: u64,
    waiter: Arc<PullWaiter>,
}

impl WaitGuard<'_> {
    /// Resolves when messages have arrived: `true` when the filter may match one, `false` when it
    /// matches none so far.
    pub(in crate::broker) async fn news(&self) -> bool {
        self.waiter.news.notified().await;
        self.waiter.state.load(Ordering::Acquire) == MATCHED
    }

    /// Forgets that the filter may match what has arrived, so that [`news`](Self::news) hears of the
    /// next message. Call it before reading what has arrived: what comes meanwhile is heard of.
    pub(in crate::broker) fn again(&self) {
        self.waiter.state.store(NONE_MATCHED, Ordering::Release);
    }
}

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        let mut topics = self.waiting.topics.lock();
        self.waiting.count.fetch_sub(1, Ordering::Relaxed);
        let Some(queues) = topics.get_mut(&self.topic) else {
            return;
        };
        if let Some(waiters) = queues.get_mut(&self.queue) {
            waiters.remove(&self.id);
            if waiters.is_empty() {
                queues.remove(&self.queue);
            }
        }
        if queues.is_empty() {
            topics.remove(&self.topic);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::message::java_hash;

    fn topic() -> TopicName {
        TopicName::new("orders").unwrap()
    }

    fn arrive(waiting: &WaitingPulls, queue: i32, next: u64, tag: &str) {
        waiting.arrived(&topic(), queue, QueueOffset(next), java_hash(tag).into());
    }

    #[test]
    fn a_pull_hears_of_messages_it_wants_and_of_those_that_it_does_not() {
        let waiting = WaitingPulls::default();
        let filter = Filter::by_tags("paid").unwrap();
        let guard = waiting.enter(&topic(), 1, QueueOffset(5), &filter);

        arrive(&waiting, 1, 5, "paid");
        arrive(&waiting, 2, 6, "paid");
        assert_eq!(guard.news().now_or_never(), None);
        arrive(&waiting, 1, 6, "new");
        assert_eq!(guard.news().now_or_never(), Some(false));
        arrive(&waiting, 1, 7, "new");
        assert_eq!(guard.news().now_or_never(), None);
        arrive(&waiting, 1, 8, "paid");
        assert_eq!(guard.news().now_or_never(), Some(true));
    }

    #[test]
    fn a_pull_by_condition_hears_of_each_message_that_comes_after_it_has_looked() {
        let waiting = WaitingPulls::default();
        let filter = Filter::by_sql("total > 100").unwrap();
        let guard = waiting.enter(&topic(), 0, QueueOffset(0), &filter);

        arrive(&waiting, 0, 1, "x");
        assert_eq!(guard.news().now_or_never(), Some(true));
        arrive(&waiting, 0, 2, "x");
        assert_eq!(guard.news().now_or_never(), None);
        guard.again();
        arrive(&waiting, 0, 3, "x");
        assert_eq!(guard.news().now_or_never(), Some(true));
    }

    #[test]
    fn who_gives_up_its_place_leaves_nothing_behind() {
        let waiting = WaitingPulls::default();
        let all = Filter::default();
        let first = waiting.enter(&topic(), 0, QueueOffset(0), &all);
        let second = waiting.enter(&topic(), 0, QueueOffset(0), &all);

        drop(first);
        arrive(&waiting, 0, 1, "x");
        assert_eq!(second.news().now_or_never(), Some(true));
        drop(second);
        assert_eq!(waiting.count(), 0);
        assert!(waiting.topics.lock().is_empty());
    }
}
