//! One queue of a topic on one broker.

use std::fmt;

use bytestring::ByteString;

use super::names::TopicName;

/// One queue of a topic on one broker, ordered as rebalancing needs it: topic, broker, queue id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageQueue {
    /// The topic.
    pub topic: TopicName,
    /// The broker's name (not its address).
    pub broker: ByteString,
    /// The queue's id on that broker.
    pub id: i32,
}

impl MessageQueue {
    /// The queue `id` of `topic` on `broker`.
    pub fn new(topic: TopicName, broker: impl Into<ByteString>, id: i32) -> Self {
        Self {
            topic,
            broker: broker.into(),
            id,
        }
    }

    /// The machine room of its broker, when the broker is named `room@name`.
    pub fn machine_room(&self) -> Option<&str> {
        let (room, name) = self.broker.split_once('@')?;
        (!name.contains('@')).then_some(room)
    }
}

/// The text of Java's `MessageQueue.toString`, because the consistent-hash strategy hashes that
/// text.
impl fmt::Display for MessageQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, broker, id } = self;
        write!(
            f,
            "MessageQueue [topic={topic}, brokerName={broker}, queueId={id}]"
        )
    }
}
