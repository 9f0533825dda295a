//! Receives messages and hands them to a listener (`DefaultMQPushConsumer`).
//!
//! Each queue that is ours has one task that pulls. What it brings is handed to a limited number
//! of listener calls at a time; offsets are committed up to the lowest message not finished.

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
mod rebalance;
mod received;
mod retry;
mod share;
mod stuck;
mod work_queue;

pub use builder::PushConsumerBuilder;
pub use config::{ConsumerConfig, StartFrom};
pub use listener::{ConcurrentListener, OrderlyListener, OrderlyOutcome, Outcome};
pub use process_queue::FlowLimits;
pub use push::PushConsumer;
pub use rebalance::{Allocate, Rooms, Strategy};
