//! Locks on queues, so that one member of a group at a time consumes a queue in order
//! (`RebalanceLockManager`).
//!
//! Invariant: a lock that was not renewed for 60 s is nobody's. Locks live in memory only: after a
//! restart members ask again within 20 s.

use std::collections::HashMap;
use std::time::Duration;

use bytestring::ByteString;
use parking_lot::Mutex;

use crate::clock::{Clock, Moment};
use crate::message::MessageQueue;

/// `rocketmq.broker.rebalance.lockMaxLiveTime`.
const LIVE: Duration = Duration::from_mins(1);

#[derive(Debug)]
struct Held {
    by: ByteString,
    since: Moment,
}

/// The locks of all groups.
#[derive(Debug)]
pub(super) struct QueueLocks {
    groups: Mutex<HashMap<ByteString, HashMap<MessageQueue, Held>>>,
    clock: Clock,
}

impl QueueLocks {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            groups: Mutex::default(),
            clock,
        }
    }

    /// Locks or renews; gives the queues that are now `client`'s.
    pub(super) fn lock(
        &self,
        group: &ByteString,
        client: &ByteString,
        queues: Vec<MessageQueue>,
    ) -> Vec<MessageQueue> {
        let now = self.clock.moment();
        let mut groups = self.groups.lock();
        let held = groups.entry(group.clone()).or_default();
        let mut granted = queues;
        granted.retain(|queue| {
            let somebody_else = held
                .get(queue)
                .is_some_and(|held| held.by != *client && is_live(held, now));
            if !somebody_else {
                held.insert(
                    queue.clone(),
                    Held {
                        by: client.clone(),
                        since: now,
                    },
                );
            }
            !somebody_else
        });
        granted
    }

    /// Gives up those of the queues that are `client`'s.
    pub(super) fn unlock(&self, group: &str, client: &str, queues: &[MessageQueue]) {
        let mut groups = self.groups.lock();
        let Some(held) = groups.get_mut(group) else {
            return;
        };
        for queue in queues {
            if held.get(queue).is_some_and(|held| held.by == client) {
                held.remove(queue);
            }
        }
        if held.is_empty() {
            groups.remove(group);
        }
    }

    /// Whether anybody of the group consumes in order now.
    pub(super) fn is_used_by(&self, group: &str) -> bool {
        let now = self.clock.moment();
        let groups = self.groups.lock();
        groups
            .get(group)
            .is_some_and(|held| held.values().any(|held| is_live(held, now)))
    }

    /// Forgets locks that are nobody's any more.
    pub(super) fn sweep(&self) {
        let now = self.clock.moment();
        self.groups.lock().retain(|_, held| {
            held.retain(|_, held| is_live(held, now));
            !held.is_empty()
        });
    }
}

fn is_live(held: &Held, now: Moment) -> bool {
    now.since(held.since) <= LIVE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::TopicName;

    fn queues(ids: &[i32]) -> Vec<MessageQueue> {
        let topic = TopicName::new("orders").unwrap();
        ids.iter()
            .map(|id| MessageQueue::new(topic.clone(), "b", *id))
            .collect()
    }

    fn text(text: &'static str) -> ByteString {
        ByteString::from_static(text)
    }

    #[tokio::test]
    async fn a_queue_is_one_members_until_it_gives_it_up_or_falls_silent() {
        let clock = Clock::manual(0);
        let locks = QueueLocks::new(clock.clone());
        let lock = |client, ids: &[i32]| locks.lock(&text("g"), &text(client), queues(ids));

        assert_eq!(lock("a", &[0, 1]), queues(&[0, 1]));
        assert_eq!(lock("b", &[0, 2]), queues(&[2]));
        assert!(locks.is_used_by("g"));

        locks.unlock("g", "b", &queues(&[0]));
        assert_eq!(lock("b", &[0]), []);
        locks.unlock("g", "a", &queues(&[0]));
        assert_eq!(lock("b", &[0]), queues(&[0]));

        clock.advance(Duration::from_secs(59)).await;
        assert_eq!(lock("b", &[0, 1]), queues(&[0]));
        clock.advance(Duration::from_secs(2)).await;
        assert_eq!(lock("b", &[0, 1]), queues(&[0, 1]));

        clock.advance(Duration::from_secs(61)).await;
        assert!(!locks.is_used_by("g"));
        locks.sweep();
        assert!(locks.groups.lock().is_empty());
    }
}
