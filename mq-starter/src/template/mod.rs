//! Sending: the Java names for the common ways, and one builder for every combination.
//!
//! A message that was not stored as safely as the broker promises is an error, unless the caller
//! accepts it.

mod builder;
mod destination;
mod draft;
mod error;
mod handle;
mod producer;
mod publish;
mod rocketmq_template;
mod sender;

pub use builder::MessageBuilder;
pub use error::{RequestError, SendError};
pub use handle::SendHandle;
pub use mq_core::client::{SendResult, SendStatus};
pub(crate) use producer::ProducerSlot;
pub use rocketmq_template::RocketMQTemplate;
