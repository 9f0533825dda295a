//! Which queue of its topic a message goes to.

use std::fmt;

use crate::message::MessageQueue;

/// Which queue of its topic a message goes to.
#[derive(Default)]
#[non_exhaustive]
pub enum Target {
    /// Each in turn; another broker is tried when one fails.
    #[default]
    Any,
    /// This one.
    Queue(MessageQueue),
    /// The one of this key: equal keys have equal queues as long as the queues of the topic are
    /// the same (`SelectMessageQueueByHash` over `String.hashCode`).
    Hash(String),
    /// The one at the index that this chooses; the queues are sorted by broker and number.
    Chosen(Selector),
}

/// Chooses the index of one of the queues, or none.
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
