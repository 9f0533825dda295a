//! How the queue for a message is chosen.

use std::fmt;

use crate::message::MessageQueue;

/// How the queue for a message is chosen.
#[derive(Default)]
#[non_exhaustive]
pub enum Target {
    /// Round robin; another broker is tried when one fails.
    #[default]
    Any,
    /// This queue.
    Queue(MessageQueue),
    /// The queue for this key: the same for equal keys as long as the topic's queues are the same
    /// (`SelectMessageQueueByHash` over `String.hashCode`).
    Hash(String),
    /// The queue at the index that this returns; the queues are sorted by broker and queue id.
    Chosen(Selector),
}

/// Returns the index of the chosen queue, or none.
pub type Selector = Box<dyn FnOnce(&[MessageQueue]) -> Option<usize> + Send>;

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("Any"),
            Self::Queue(queue) => f.debug_tuple("Queue").field(queue).finish(),
            Self::Hash(key) => f.debug_tuple("Hash").field(key).finish(),
            Self::Chosen(_) => f.write_str("Chosen"),
        }
    }
}
