//! Reads queues by hand (`DefaultMQPullConsumer`): the application says from which queue and offset on,
//! and keeps its own account of what it has read, or commits it for the group.

mod consumer;
mod error;
mod member;
mod queues;
mod request;
mod result;

pub use consumer::PullConsumer;
pub use error::PullError;
pub use request::Pull;
pub use result::{PullResult, PullStatus};
