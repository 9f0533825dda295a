//! How the queue for a message is chosen.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::message::MessageQueue;

/// How the queue for a message is chosen.
#[derive(Clone, Default)]
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
    /// A random queue (`SelectMessageQueueByRandom`).
    Random,
    /// Round robin over the queues of brokers in these machine rooms: those named `room@name`
    /// (`SelectMessageQueueByMachineRoom`, which Java leaves to be written).
    Rooms(BTreeSet<String>),
    /// The queue at the index that this returns; the queues are sorted by broker and queue id.
    Chosen(Selector),
}

/// Returns the index of the chosen queue, or none.
pub type Selector = Arc<dyn Fn(&[MessageQueue]) -> Option<usize> + Send + Sync>;

impl Target {
    /// The queue at the index that `selector` returns; see [`Target::Chosen`].
    pub fn chosen(
        selector: impl Fn(&[MessageQueue]) -> Option<usize> + Send + Sync + 'static,
    ) -> Self {
        Self::Chosen(Arc::new(selector))
    }

    /// Whether messages sent one after the other are in one queue, as far as is known here.
    pub(super) fn keeps_order(&self) -> bool {
        matches!(self, Self::Queue(_) | Self::Hash(_) | Self::Chosen(_))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("Any"),
            Self::Queue(queue) => f.debug_tuple("Queue").field(queue).finish(),
            Self::Hash(key) => f.debug_tuple("Hash").field(key).finish(),
            Self::Random => f.write_str("Random"),
            Self::Rooms(rooms) => f.debug_tuple("Rooms").field(rooms).finish(),
            Self::Chosen(_) => f.write_str("Chosen"),
        }
    }
}
