//! `#[rocketmq_message_listener]` and `#[rocketmq_reply_listener]`: a struct or a function becomes a
//! listener.

mod batch;
mod choices;
mod expand;
mod function;
mod keys;
mod model;
mod parse;
mod placeholder;

pub(crate) use expand::expand;
pub(crate) use function::keyword;
pub(crate) use model::{ListenerKind, ListenerModel};
pub(crate) use parse::{WrittenArguments, WrittenValue};
