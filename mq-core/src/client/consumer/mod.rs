//! Receives messages and hands them to a listener (`DefaultMQPushConsumer`).
//!
//! Each assigned queue has one task that pulls. Its messages go to a limited number of concurrent
//! listener calls; the committed offset is that of the lowest unfinished message.

mod assigned;
mod builder;
mod concurrently;
mod config;
mod core;
mod differing_members;
pub(super) mod fetch;
mod listener;
mod lock;
mod mixed_group;
mod offsets;
mod orderly;
mod overdue;
mod process_queue;
mod pull;
mod push;
mod reasons;
mod rebalance;
mod received;
mod refused_queues;
mod retry;
mod share;
mod work_queue;

pub use builder::PushConsumerBuilder;
pub use config::{ConsumerConfig, StartFrom};
pub use listener::{ConcurrentListener, OrderlyListener, OrderlyOutcome, Outcome};
pub use process_queue::FlowLimits;
pub use push::PushConsumer;
pub use rebalance::{Allocate, Rooms, Strategy};
