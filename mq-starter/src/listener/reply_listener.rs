//! Listeners that reply to the messages they take: a struct, or a function that returns its reply.

use std::future::Future;
use std::sync::Arc;

use serde::Serialize;

use super::handler::{Delivery, Handler};
use super::outcome::{ConsumeError, ConsumeResult};
use crate::payload::Payload;
use crate::state::{Assembly, Component};
use crate::template::RocketMQTemplate;

/// What a listener that replies answers: the reply, which acknowledges the message, or what happens next.
pub type ReplyResult<R> = Result<R, ConsumeError>;

/// A struct that takes requests and returns replies; it carries `#[rocketmq_reply_listener]`.
///
/// ```
/// use mq_starter::prelude::*;
///
/// #[derive(Component)]
/// #[rocketmq_reply_listener(topic = "price", consumer_group = "price-service")]
/// struct Prices;
///
/// impl RocketMQReplyListener for Prices {
///     type Message = String;
///     type Reply = f64;
///     async fn on_message(&self, product: String) -> ReplyResult<f64> {
///         Ok(if product == "coffee" { 3.5 } else { 5.0 })
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is annotated as a reply listener and does not implement `RocketMQReplyListener`",
    label = "add `impl RocketMQReplyListener for {Self}`",
    note = "it says which types a request and its reply have, `type Message = …` and `type Reply = …`, and how to reply, `async fn on_message(&self, …)`"
)]
pub trait RocketMQReplyListener: Send + Sync + 'static {
    /// What a body is decoded to; see [`Payload`].
    type Message: Payload;
    /// What is sent back: text and bytes as they are, everything else as JSON.
    type Reply: Serialize + Send;

    /// Takes one request. `Ok` acknowledges it and is sent to whoever waits; an error says what happens
    /// next.
    ///
    /// It may be called again with the same message, and the reply is then sent again. A reply that
    /// does not arrive is logged: the request stays acknowledged, since its sender no longer waits.
    fn on_message(
        &self,
        message: Self::Message,
    ) -> impl Future<Output = ReplyResult<Self::Reply>> + Send;
}

/// Sends replies.
#[derive(Clone, Debug)]
pub struct Replier(Arc<RocketMQTemplate>);

impl Replier {
    /// From what the application provides.
    pub fn take(assembly: &mut Assembly<'_>) -> Option<Self> {
        assembly.set_of_reply();
        assembly.take("a reply listener").map(Self)
    }
}

/// Sends what a listener returned, as a reply to what was delivered to it.
///
/// # Errors
///
/// What the listener returned; a reply that cannot be written makes the message a dead letter, because it
/// would be no other at the next attempt.
pub fn replied<R: Serialize, E: Into<ConsumeError>>(
    replier: &Replier,
    delivery: &Delivery,
    outcome: Result<R, E>,
) -> ConsumeResult {
    let reply = outcome.map_err(Into::<ConsumeError>::into)?;
    let limit = delivery.reply_timeout;
    let sent = replier.0.reply(&delivery.message, &reply, limit);
    sent.map_err(ConsumeError::dead_letter)
}

/// An annotated struct as a handler that replies.
pub fn assemble_replying_struct<L: RocketMQReplyListener + Component>(
    assembly: &mut Assembly<'_>,
) -> Option<Handler> {
    let replier = Replier::take(assembly);
    let listener = Arc::new(L::assemble(assembly)?);
    let replier = replier?;
    let handler = Handler::new(move |delivery| {
        let (listener, replier) = (Arc::clone(&listener), replier.clone());
        Box::pin(async move {
            let message = L::Message::of(&delivery.message).map_err(ConsumeError::undecodable)?;
            let outcome = listener.on_message(message).await;
            replied(&replier, &delivery, outcome)
        })
    });
    Some(handler)
}
