//! Reads queues in the background and hands messages over when they are asked for
//! (`DefaultLitePullConsumer`).
//!
//! Each queue has one task that fetches ahead, within limits. The queues are shared among the members
//! of the group, or chosen by the application.
//!
//! Invariant: the position of a queue that is committed is the lowest offset that is buffered, or that
//! was handed over and is not finished.

mod assigning;
mod buffer;
mod builder;
mod config;
mod consumer;
mod core;
mod delivery;
mod error;
mod fetching;
mod running_info;
mod shared_buffer;
mod steering;
mod subscribed;

pub use builder::LitePullConsumerBuilder;
pub use config::LitePullConfig;
pub use consumer::LitePullConsumer;
pub use delivery::Delivery;
pub use error::PollError;
pub use steering::AssignError;
