//! The consume queues: where the messages of each queue of a topic lie in the log.

mod entry;
mod queue;
mod queues;

pub(super) use entry::QueueEntry;
pub(super) use queue::Queue;
pub(super) use queues::ConsumeQueues;
