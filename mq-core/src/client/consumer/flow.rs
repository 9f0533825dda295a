//! How much is held before pulling pauses.

/// The limits of unfinished messages of one queue, beyond which pulling pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowLimits {
    /// Messages (`pullThresholdForQueue`).
    pub messages: usize,
    /// Bytes of bodies (`pullThresholdSizeForQueue`).
    pub bytes: usize,
    /// Distance of the first from the last offset (`consumeConcurrentlyMaxSpan`); not for orderly
    /// listeners.
    pub span: u64,
}

impl Default for FlowLimits {
    fn default() -> Self {
        Self {
            messages: 1000,
            bytes: 100 * 1024 * 1024,
            span: 2000,
        }
    }
}

/// The limits of unfinished messages of all queues of one topic that a member has; each queue gets an
/// equal share of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TopicFlow {
    /// Messages (`pullThresholdForTopic`); `None`: no limit but that of each queue.
    pub messages: Option<usize>,
    /// Bytes of bodies (`pullThresholdSizeForTopic`); `None`: no limit but that of each queue.
    pub bytes: Option<usize>,
}

impl TopicFlow {
    /// The limits of a queue whose topic has `queues` queues here; `otherwise` where nothing is said of
    /// the topic.
    pub(super) fn of_one(self, queues: usize, otherwise: FlowLimits) -> FlowLimits {
        let share = |of_topic: usize| (of_topic / queues.max(1)).max(1);
        FlowLimits {
            messages: self.messages.map_or(otherwise.messages, share),
            bytes: self.bytes.map_or(otherwise.bytes, share),
            span: otherwise.span,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queues_of_a_topic_share_its_limits_equally() {
        let of_queue = FlowLimits::default();
        let of_topic = TopicFlow {
            messages: Some(10),
            bytes: None,
        };

        assert_eq!(of_topic.of_one(4, of_queue).messages, 2);
        assert_eq!(of_topic.of_one(40, of_queue).messages, 1, "never none");
        assert_eq!(of_topic.of_one(4, of_queue).bytes, of_queue.bytes);
        assert_eq!(TopicFlow::default().of_one(4, of_queue), of_queue);
    }
}
