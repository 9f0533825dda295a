//! Listeners that take several messages in one call, and answer for each of them.

pub(crate) mod handler;
pub(crate) mod listener;
mod messages;
pub(crate) mod outcomes;

pub(crate) use handler::{BatchDelivery, BatchHandler};
pub use listener::RocketMQBatchListener;
pub use messages::{Batch, BatchMessage};
pub use outcomes::{BatchOutcomes, BatchResult, IntoBatchResult};
