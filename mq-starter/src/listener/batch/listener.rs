//! A struct as a batch listener.

use std::future::Future;
use std::sync::Arc;

use super::handler::BatchHandler;
use super::messages::Batch;
use super::outcomes::BatchResult;
use crate::payload::Payload;
use crate::state::{Assembly, Component};

/// A struct that takes several messages in one call; it carries `#[rocketmq_message_listener]` with
/// `consume_message_batch_max_size`.
///
/// ```
/// use mq_starter::prelude::*;
///
/// #[derive(Component)]
/// #[rocketmq_message_listener(
///     topic = "audit",
///     consumer_group = "audit",
///     consume_message_batch_max_size = 32
/// )]
/// struct Audit;
///
/// impl RocketMQBatchListener for Audit {
///     type Message = String;
///     async fn on_messages(&self, rows: Batch<String>) -> BatchResult {
///         let mut outcomes = BatchOutcomes::default();
///         for row in rows.iter().filter(|row| row.is_empty()) {
///             outcomes.fail(row, ConsumeError::dead_letter("an empty row"));
///         }
///         Ok(outcomes)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is annotated as a batch listener and does not implement `RocketMQBatchListener`",
    label = "add `impl RocketMQBatchListener for {Self}`",
    note = "it says which type a message has, `type Message = …`, and what to do with several, `async fn on_messages(&self, …)`; without `consume_message_batch_max_size` it is a `RocketMQListener`"
)]
pub trait RocketMQBatchListener: Send + Sync + 'static {
    /// What a body is decoded to; see [`Payload`].
    type Message: Payload;

    /// Takes a batch. An error is for all of its messages.
    ///
    /// It may be called again with the same messages: at least once is what a queue promises.
    fn on_messages(&self, batch: Batch<Self::Message>) -> impl Future<Output = BatchResult> + Send;
}

/// An annotated struct as a batch handler.
pub fn assemble_batch_struct<L: RocketMQBatchListener + Component>(
    assembly: &mut Assembly<'_>,
) -> Option<BatchHandler> {
    let listener = Arc::new(L::assemble(assembly)?);
    let handler = BatchHandler::new(move |batch, _state| {
        let listener = Arc::clone(&listener);
        async move { listener.on_messages(batch).await }
    });
    Some(handler)
}
