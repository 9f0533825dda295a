//! Queues that are ours and bring nothing, because their broker refuses.
//!
//! The queues of a topic at one broker are one trouble: people hear of the first and of the last.

use std::collections::BTreeSet;

use parking_lot::Mutex;

use crate::message::MessageQueue;

#[derive(Debug, Default)]
pub(super) struct Stuck(Mutex<BTreeSet<MessageQueue>>);

impl Stuck {
    /// `queue` is refused; whether that is news.
    pub(super) fn begin(&self, queue: &MessageQueue) -> bool {
        let mut stuck = self.0.lock();
        let news = !has_sibling(&stuck, queue);
        stuck.insert(queue.clone());
        news
    }

    /// `queue` is not refused (any more); whether that is news.
    pub(super) fn end(&self, queue: &MessageQueue) -> bool {
        let mut stuck = self.0.lock();
        stuck.remove(queue) && !has_sibling(&stuck, queue)
    }
}

fn has_sibling(stuck: &BTreeSet<MessageQueue>, queue: &MessageQueue) -> bool {
    let sibling = |other: &MessageQueue| other.topic == queue.topic && other.broker == queue.broker;
    stuck.iter().any(sibling)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::TopicName;

    #[test]
    fn the_queues_of_a_topic_at_one_broker_are_one_trouble() {
        let queue = |broker: &'static str, id| {
            MessageQueue::new(TopicName::new("orders").unwrap(), broker, id)
        };
        let stuck = Stuck::default();

        assert!(stuck.begin(&queue("a", 0)));
        assert!(!stuck.begin(&queue("a", 0)));
        assert!(!stuck.begin(&queue("a", 1)));
        assert!(stuck.begin(&queue("b", 0)));

        assert!(!stuck.end(&queue("a", 0)));
        assert!(stuck.end(&queue("a", 1)));
        assert!(!stuck.end(&queue("a", 1)));
    }
}
