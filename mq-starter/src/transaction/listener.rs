//! A struct that runs transactions and says how they ended.

use std::borrow::Borrow;
use std::future::Future;

pub use mq_core::client::TransactionState as LocalTransactionState;
use serde::Serialize;

use super::message::Message;
use crate::payload::Payload;

/// A struct that runs the transactions of messages and says how they ended; it carries
/// `#[rocketmq_transaction_listener]`.
///
/// ```
/// use mq_starter::prelude::*;
///
/// #[derive(Serialize, Deserialize)]
/// struct OrderCreated {
///     id: u64,
/// }
///
/// #[derive(Component)]
/// #[rocketmq_transaction_listener]
/// struct PlaceOrder;
///
/// impl LocalTransactionListener for PlaceOrder {
///     type Message = OrderCreated;
///     type Arg = f64;
///
///     async fn execute(&self, _: &Message<OrderCreated>, total: f64) -> LocalTransactionState {
///         // … writes the order into the database …
///         if total > 0.0 { LocalTransactionState::Commit } else { LocalTransactionState::Rollback }
///     }
///
///     async fn check(&self, created: &Message<OrderCreated>) -> LocalTransactionState {
///         // … looks whether the order is in the database …
///         if created.payload().id > 0 { LocalTransactionState::Commit } else { LocalTransactionState::Rollback }
///     }
/// }
///
/// # async fn example(template: RocketMQTemplate) -> Result<(), Box<dyn std::error::Error>> {
/// let created = OrderCreated { id: 5 };
/// let sent = template.send_message_in_transaction::<PlaceOrder>("order-topic:created", &created, 3.5).await?;
/// assert_eq!(sent.state, LocalTransactionState::Commit);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is annotated as a transaction listener and does not implement `LocalTransactionListener`",
    label = "add `impl LocalTransactionListener for {Self}`",
    note = "it says which types a message and the argument of its transaction have, `type Message = …` and `type Arg = …`, how to run it, `async fn execute(&self, …)`, and how to find out later how it ended, `async fn check(&self, …)`"
)]
pub trait LocalTransactionListener: Send + Sync + 'static {
    /// What the message of a transaction is; see [`Payload`].
    type Message: Payload + Serialize + Sync;
    /// What the caller hands over to the transaction.
    type Arg: Send;

    /// Runs the transaction. The broker has the message by now, and delivers it if this commits. A panic
    /// counts as [`LocalTransactionState::Unknown`].
    fn execute(
        &self,
        message: &Message<Self::Message>,
        arg: Self::Arg,
    ) -> impl Future<Output = LocalTransactionState> + Send;

    /// Says how a transaction ended of which the broker has not heard. It may have been run by another
    /// instance of the program. A panic counts as [`LocalTransactionState::Unknown`], and so does a
    /// check that takes more than a minute.
    fn check(
        &self,
        message: &Message<Self::Message>,
    ) -> impl Future<Output = LocalTransactionState> + Send;
}

/// A struct with `#[rocketmq_transaction_listener]`, which gives it its name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no transaction listener of this program",
    label = "put `#[rocketmq_transaction_listener]` on `{Self}`",
    note = "the name that the attribute gives it travels with the message, so that the broker's checks find it again"
)]
pub trait DeclaredTransactionListener: LocalTransactionListener {
    /// The name that travels with its messages.
    const NAME: &'static str;
}

/// What can be sent as the message `M` of a transaction listener: an `M`, and text where `M` is `String`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the message of this transaction listener",
    label = "expected `{M}`",
    note = "`type Message = …` of the listener says what it is"
)]
pub trait TransactionPayload<M>: Serialize {}

#[diagnostic::do_not_recommend]
impl<M: Borrow<P>, P: Serialize + ?Sized> TransactionPayload<M> for P {}
