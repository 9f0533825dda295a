//! Assigned queues whose pulls are refused by their broker.
//!
//! The queues of a topic at one broker count as one failure: it is logged with the first queue that
//! is refused, and its end with the last.

use std::collections::BTreeSet;

use parking_lot::Mutex;

use super::offsets::OffsetQueryError;
use crate::message::MessageQueue;

#[derive(Debug, Default)]
pub(in crate::client) struct RefusedQueues(Mutex<BTreeSet<MessageQueue>>);

impl RefusedQueues {
    /// `queue` is refused. Returns whether it is the first, so that the caller logs it.
    pub(in crate::client) fn begin(&self, queue: &MessageQueue) -> bool {
        let mut refused_queues = self.0.lock();
        let is_first = !has_sibling(&refused_queues, queue);
        refused_queues.insert(queue.clone());
        is_first
    }

    /// `queue` is not consumed yet, because its broker does not say where to start.
    pub(in crate::client) fn start_is_unknown(
        &self,
        queue: &MessageQueue,
        error: &OffsetQueryError,
    ) {
        if !error.is_transport() && self.begin(queue) {
            tracing::warn!(%queue, %error, "the queue is not consumed yet: where to start is not known");
        } else {
            tracing::debug!(%queue, %error, "the queue is not consumed yet: where to start is not known");
        }
    }

    /// `queue` is not refused. Returns whether it was the last one refused, so that the caller logs
    /// the end.
    pub(in crate::client) fn end(&self, queue: &MessageQueue) -> bool {
        let mut refused_queues = self.0.lock();
        refused_queues.remove(queue) && !has_sibling(&refused_queues, queue)
    }
}

fn has_sibling(refused_queues: &BTreeSet<MessageQueue>, queue: &MessageQueue) -> bool {
    let sibling = |other: &MessageQueue| other.topic == queue.topic && other.broker == queue.broker;
    refused_queues.iter().any(sibling)
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
        let refused_queues = RefusedQueues::default();

        assert!(refused_queues.begin(&queue("a", 0)));
        assert!(!refused_queues.begin(&queue("a", 0)));
        assert!(!refused_queues.begin(&queue("a", 1)));
        assert!(refused_queues.begin(&queue("b", 0)));

        assert!(!refused_queues.end(&queue("a", 0)));
        assert!(refused_queues.end(&queue("a", 1)));
        assert!(!refused_queues.end(&queue("a", 1)));
    }
}
