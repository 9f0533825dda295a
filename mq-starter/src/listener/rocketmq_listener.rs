//! A struct as a listener.

use std::future::Future;
use std::sync::Arc;

use super::handler::Handler;
use super::outcome::{ConsumeError, ConsumeResult};
use crate::payload::Payload;
use crate::state::{Assembly, Component};

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

/// An annotated struct as a handler.
pub fn assemble_struct<L: RocketMQListener + Component>(
    assembly: &mut Assembly<'_>,
) -> Option<Handler> {
    let listener = Arc::new(L::assemble(assembly)?);
    let handler = Handler::new(move |delivery| {
        let listener = Arc::clone(&listener);
        Box::pin(async move {
            let message = L::Message::of(&delivery.message).map_err(ConsumeError::undecodable)?;
            listener.on_message(message).await
        })
    });
    Some(handler)
}
