//! Listeners: what an annotation leaves in the program, and what the program makes of it.
//!
//! An annotation leaves a `Declaration`. At start its placeholders are filled (`Plan`), listeners
//! of one group are put together or refused, and each becomes a `Handler` that the consumer calls.

pub(crate) mod attributes;
pub(crate) mod declaration;
pub(crate) mod handler;
mod modes;
mod names;
mod outcome;
mod plan;
mod reading;

use std::future::Future;

use crate::payload::Payload;

pub use declaration::{Origin, Selection};
pub use handler::Delivery;
pub use modes::{ConsumeMode, MessageModel, SelectorType, UnknownName};
pub use outcome::{ConsumeError, ConsumeResult, IntoConsumeResult, Next};

pub(crate) use plan::{Consumer, Plan};
pub(crate) use reading::Listener;

/// A struct that takes messages; it carries `#[rocketmq_message_listener]`.
///
/// ```
/// use mq_starter::prelude::*;
///
/// #[derive(Component)]
/// #[rocketmq_message_listener(topic = "greetings", consumer_group = "greeter")]
/// struct Greeter;
///
/// impl RocketMQListener for Greeter {
///     type Message = String;
///     async fn on_message(&self, name: String) -> ConsumeResult {
///         tracing::info!("hello {name}");
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is annotated as a listener and does not implement `RocketMQListener`",
    label = "add `impl RocketMQListener for {Self}`",
    note = "it says which type a message has, `type Message = …`, and what to do with it, `async fn on_message(&self, …)`"
)]
pub trait RocketMQListener: Send + Sync + 'static {
    /// What a body is decoded to; see [`Payload`].
    type Message: Payload;

    /// Takes one message. `Ok` acknowledges it; an error says what happens next.
    ///
    /// It may be called again with the same message: at least once is what a queue promises.
    fn on_message(&self, message: Self::Message) -> impl Future<Output = ConsumeResult> + Send;
}
