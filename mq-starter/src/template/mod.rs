//! Sending: the Java names for the common ways, and one builder for every combination.
//!
//! A message that was not stored as safely as the broker promises is an error, unless the caller
//! accepts it.

mod batch;
mod builder;
mod destination;
mod draft;
mod error;
mod handle;
mod parts;
mod producer;
mod publish;
mod rocketmq_template;
mod sender;

pub use batch::{BatchBuilder, BatchEntry};
pub use builder::MessageBuilder;
pub use error::{RequestError, SendError};
pub use handle::SendHandle;
pub use mq_core::client::{SendResult, SendStatus, Target};
pub use parts::{BatchError, SentPart};
pub(crate) use producer::ProducerSlot;
pub use rocketmq_template::RocketMQTemplate;
