//! Reading a queue as a client does that wants everything and does not wait.

use mq_core::wire::header::PullMessage;

/// A pull of everything from `offset` on, at most 32 messages.
pub fn pull(group: &str, topic: &str, queue: i32, offset: i64) -> PullMessage {
    PullMessage {
        consumer_group: group.into(),
        topic: topic.into(),
        queue_id: queue,
        queue_offset: offset,
        max_msg_nums: 32,
        sys_flag: PullMessage::SUBSCRIPTION,
        subscription: Some("*".into()),
        ..PullMessage::default()
    }
}
