//! Listeners: what an annotation leaves in the program, and what the program makes of it.
//!
//! An annotation leaves a `Declaration`. At start its placeholders are filled (`Plan`), listeners
//! of one group are put together or refused, and each becomes a `Handler` that the consumer calls.

pub(crate) mod any_handler;
pub(crate) mod attributes;
pub(crate) mod batch;
pub(crate) mod declaration;
pub(crate) mod handler;
mod handler_times;
mod in_group;
mod modes;
pub(crate) mod outcome;
mod plan;
mod pulling;
mod reading;
pub(crate) mod reply_listener;
pub(crate) mod rocketmq_listener;
pub(crate) mod start;
mod trace;

pub use batch::{
    Batch, BatchMessage, BatchOutcomes, BatchResult, IntoBatchResult, RocketMQBatchListener,
};
pub use declaration::{Origin, Selection};
pub use handler::Delivery;
pub use modes::{
    ConsumeFromWhere, ConsumeMode, MessageModel, OnDecodeError, SelectorType, UnknownName,
};
pub use outcome::{ConsumeError, ConsumeResult, IntoConsumeResult, Next};
pub use reply_listener::{ReplyResult, RocketMQReplyListener};
pub use rocketmq_listener::RocketMQListener;

pub(crate) use any_handler::AnyHandler;
pub(crate) use batch::{BatchDelivery, BatchHandler};
pub(crate) use handler::Handler;
pub(crate) use in_group::Listener;
pub(crate) use plan::{Plan, PlannedConsumer};
