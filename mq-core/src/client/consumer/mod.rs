//! Receives messages and hands them to a listener (`DefaultMQPushConsumer`).
//!
//! Each assigned queue has one task that pulls. Its messages go to a limited number of concurrent
//! listener calls; the committed offset is that of the lowest unfinished message.

mod assigned;
pub(super) mod builder;
mod concurrently;
mod config;
mod core;
mod differing_members;
pub(super) mod directly;
mod each;
pub(super) mod failed_pull;
pub(super) mod fetch;
mod flow;
mod listener;
mod lock;
pub(super) mod membership;
mod mixed_group;
pub(super) mod offsets;
mod orderly;
mod overdue;
mod pause;
mod process_queue;
mod pull;
mod push;
mod reasons;
mod rebalance;
pub(super) mod received;
pub(super) mod refused_queues;
mod retry;
pub(super) mod running_info;
pub(super) mod seek;
mod share;
mod status;
pub(super) mod subscribing;
pub(super) mod traced;
mod work_queue;

pub use builder::PushConsumerBuilder;
pub use config::{ConsumerConfig, StartFrom};
pub use each::{Each, each};
pub use flow::{FlowLimits, TopicFlow};
pub use listener::{ConcurrentListener, OrderlyListener, OrderlyOutcome, Outcome};
pub use offsets::COMMITTING_OFFSETS;
pub use push::PushConsumer;
pub use rebalance::{Allocate, Rooms, Strategy};
pub use seek::{SeekError, SeekTo};
pub use status::{ConsumerStatus, QueueStatus};
