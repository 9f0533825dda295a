//! Locks on queues, so that one member of a group at a time consumes an ordered queue
//! (`RebalanceLockManager`).
//!
//! Invariant: a lock that is not renewed for 60 s expires. A client may hold a lock through several
//! connections, from its processes before and after a restart; unlocking through one releases only
//! that one. Locks are in memory only: after a restart of the broker, members request them again
//! within 20 s.

use std::collections::HashMap;
use std::time::Duration;

use bytestring::ByteString;
use parking_lot::Mutex;

use crate::clock::{Clock, Moment};
use crate::message::MessageQueue;
use crate::remoting::Peer;

/// `rocketmq.broker.rebalance.lockMaxLiveTime`.
const LOCK_LIFETIME: Duration = Duration::from_mins(1);

#[derive(Debug)]
struct QueueLock {
    by: ByteString,
    holds: Vec<LockHolder>,
}

/// A connection through which a client holds a lock.
#[derive(Debug)]
struct LockHolder {
    peer: Peer,
    since: Moment,
}

impl QueueLock {
    fn is_live(&self, now: Moment) -> bool {
        self.holds
            .iter()
            .any(|hold| now.since(hold.since) <= LOCK_LIFETIME)
    }

    /// Removes `peer` and closed connections from the holders: the client has reconnected since.
    fn release(&mut self, peer: &Peer) {
        self.holds
            .retain(|hold| hold.peer.id() != peer.id() && !hold.peer.is_closed());
    }
}

/// The locks of all groups.
#[derive(Debug)]
pub(in crate::broker) struct QueueLocks {
    groups: Mutex<HashMap<ByteString, HashMap<MessageQueue, QueueLock>>>,
    clock: Clock,
}

impl QueueLocks {
    pub(in crate::broker) fn new(clock: Clock) -> Self {
        Self {
            groups: Mutex::default(),
            clock,
        }
    }

    /// Locks queues for `client`, or renews its locks, through `peer`. Returns the queues that it
    /// holds.
    pub(in crate::broker) fn lock(
        &self,
        group: &ByteString,
        client: &ByteString,
        peer: &Peer,
        queues: Vec<MessageQueue>,
    ) -> Vec<MessageQueue> {
        let now = self.clock.moment();
        let mut groups = self.groups.lock();
        let locked = groups.entry(group.clone()).or_default();
        let mut granted = queues;
        granted.retain(|queue| {
            let held = locked.entry(queue.clone()).or_insert_with(|| QueueLock {
                by: client.clone(),
                holds: Vec::new(),
            });
            if held.by != *client {
                if held.is_live(now) {
                    return false;
                }
                held.by = client.clone();
                held.holds.clear();
            }
            held.release(peer);
            held.holds.push(LockHolder {
                peer: peer.clone(),
                since: now,
            });
            true
        });
        granted
    }

    /// Unlocks those of the queues that `client` holds through `peer`.
    pub(in crate::broker) fn unlock(
        &self,
        group: &str,
        client: &str,
        peer: &Peer,
        queues: &[MessageQueue],
    ) {
        let mut groups = self.groups.lock();
        let Some(locked) = groups.get_mut(group) else {
            return;
        };
        for queue in queues {
            let Some(held) = locked.get_mut(queue).filter(|held| held.by == client) else {
                continue;
            };
            held.release(peer);
            if held.holds.is_empty() {
                locked.remove(queue);
            }
        }
        if locked.is_empty() {
            groups.remove(group);
        }
    }

    /// Whether the group has a valid lock, that is, consumes in order.
    pub(in crate::broker) fn is_used_by(&self, group: &str) -> bool {
        let now = self.clock.moment();
        let groups = self.groups.lock();
        groups
            .get(group)
            .is_some_and(|locked| locked.values().any(|held| held.is_live(now)))
    }

    /// Removes expired locks.
    pub(in crate::broker) fn sweep(&self) {
        let now = self.clock.moment();
        self.groups.lock().retain(|_, locked| {
            locked.retain(|_, held| held.is_live(now));
            !locked.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::TopicName;
    use crate::remoting::PeerId;

    fn queues(ids: &[i32]) -> Vec<MessageQueue> {
        let topic = TopicName::new("orders").unwrap();
        ids.iter()
            .map(|id| MessageQueue::new(topic.clone(), "b", *id))
            .collect()
    }

    fn text(text: &'static str) -> ByteString {
        ByteString::from_static(text)
    }

    fn peer(clock: &Clock, id: u64) -> Peer {
        let address = "127.0.0.1:1".parse().unwrap();
        Peer::new(PeerId(id), address, 1, clock.clone()).0
    }

    /// Regression: when the old process of a client ended, it released the locks of the new one, so
    /// that a third member could consume the queue at the same time.
    #[test]
    fn a_connection_gives_up_what_it_holds_and_not_what_another_of_the_client_does() {
        for old_renews_last in [false, true] {
            let clock = Clock::manual(0);
            let locks = QueueLocks::new(clock.clone());
            let (old, new, third) = (peer(&clock, 1), peer(&clock, 2), peer(&clock, 3));
            let lock = |client, peer| locks.lock(&text("g"), &text(client), peer, queues(&[0]));
            let mut order = [&old, &new];
            if old_renews_last {
                order.reverse();
            }
            for peer in order {
                assert_eq!(lock("a", peer), queues(&[0]));
            }

            locks.unlock("g", "a", &old, &queues(&[0]));
            assert_eq!(lock("b", &third), [], "old renews last: {old_renews_last}");
            locks.unlock("g", "a", &new, &queues(&[0]));
            assert_eq!(lock("b", &third), queues(&[0]));
        }
    }

    #[test]
    fn who_comes_back_over_a_new_connection_keeps_its_lock_and_can_give_it_up() {
        let clock = Clock::manual(0);
        let locks = QueueLocks::new(clock.clone());
        let (before, after, other) = (peer(&clock, 1), peer(&clock, 2), peer(&clock, 3));
        let lock = |client, peer| locks.lock(&text("g"), &text(client), peer, queues(&[0]));
        assert_eq!(lock("a", &before), queues(&[0]));
        before.close();
        assert_eq!(lock("b", &other), []);

        assert_eq!(lock("a", &after), queues(&[0]));
        locks.unlock("g", "a", &after, &queues(&[0]));
        assert_eq!(lock("b", &other), queues(&[0]));
    }

    #[tokio::test]
    async fn a_queue_is_one_members_until_it_gives_it_up_or_falls_silent() {
        let clock = Clock::manual(0);
        let locks = QueueLocks::new(clock.clone());
        let (a, b) = (peer(&clock, 1), peer(&clock, 2));
        let peer_of = |client: &str| if client == "a" { &a } else { &b };
        let lock = |client, ids: &[i32]| {
            locks.lock(&text("g"), &text(client), peer_of(client), queues(ids))
        };

        assert_eq!(lock("a", &[0, 1]), queues(&[0, 1]));
        assert_eq!(lock("b", &[0, 2]), queues(&[2]));
        assert!(locks.is_used_by("g"));

        locks.unlock("g", "b", &b, &queues(&[0]));
        assert_eq!(lock("b", &[0]), []);
        locks.unlock("g", "a", &a, &queues(&[0]));
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
