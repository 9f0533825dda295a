//! The local transaction of an order, and the check that says how it ended.
//!
//! Invariant: the message is committed only when the order is in the database and its first status is announced,
//! and rolled back only when the order can never get into the database any more.

use mq_starter::prelude::*;
use shop_contracts::{Order, StatusChange};
use tokio::sync::oneshot;

use crate::database::{Database, Settled};
use crate::faults::Faults;
use crate::refusal::OrderRefusal;
use crate::settings::OrderSettings;
use crate::{announce, timeout};

/// Places orders.
#[derive(Debug, Component)]
#[rocketmq_transaction_listener(name = "place-order")]
pub(crate) struct PlaceOrder {
    database: Inject<Database>,
    template: Inject<RocketMQTemplate>,
    settings: Inject<OrderSettings>,
    faults: Inject<Faults>,
}

/// What the transaction needs beside the order itself.
pub(crate) struct NewOrder {
    pub(crate) customer: i64,
    /// Where the caller learns whether the order is taken.
    pub(crate) outcome: oneshot::Sender<Result<(), OrderRefusal>>,
}

impl LocalTransactionListener for PlaceOrder {
    type Message = Order;
    type Arg = NewOrder;

    async fn execute(&self, message: &Message<Order>, new: NewOrder) -> LocalTransactionState {
        let placed = self.place(message, new.customer).await;
        let (state, outcome) = match placed {
            Ok(change) => (self.announced(&change).await, Ok(())),
            Err(refusal @ OrderRefusal::Unclear { .. }) => {
                (LocalTransactionState::Unknown, Err(refusal))
            }
            Err(refusal) => (LocalTransactionState::Rollback, Err(refusal)),
        };
        // A caller that hung up learns nothing.
        drop(new.outcome.send(outcome));
        state
    }

    /// The row of `tx_log` commits. Without one a transaction that is still young may be running, so only an old
    /// one is rolled back.
    async fn check(&self, message: &Message<Order>) -> LocalTransactionState {
        let (transaction, order) = (message.transaction_id(), message.payload().id);
        let patience = self.settings.check_patience;
        let settled = self
            .database
            .settle(transaction, order, message.born_timestamp, patience);
        match settled.await {
            Ok(Settled::Placed(change)) => self.announced(&change).await,
            Ok(Settled::Void) => LocalTransactionState::Rollback,
            Ok(Settled::Open) => LocalTransactionState::Unknown,
            Err(error) => {
                tracing::error!(order, %error, "could not check whether the order was placed; the broker asks again");
                LocalTransactionState::Unknown
            }
        }
    }
}

impl PlaceOrder {
    async fn place(
        &self,
        message: &Message<Order>,
        customer: i64,
    ) -> Result<StatusChange, OrderRefusal> {
        let order = message.payload();
        // Sent before the order is written: a program that dies between the two leaves no order that is never
        // cancelled, only a timeout without an order, which is ignored.
        timeout::schedule(&self.template, order.id, self.settings.pay_timeout)
            .await
            .map_err(|source| OrderRefusal::not_sent(order.id, source))?;
        let transaction = message.transaction_id();
        let change = self.database.place(transaction, order, customer).await?;
        self.faults.crash_if_told();
        Ok(change)
    }

    /// Announces the first status of an order that is placed. When that does not succeed, the next check does it.
    async fn announced(&self, change: &StatusChange) -> LocalTransactionState {
        match announce::status(&self.template, change).await {
            Ok(()) => LocalTransactionState::Commit,
            Err(refusal) => {
                let order = change.order_id;
                tracing::warn!(order, error = %refusal, "the broker asks about the order later");
                LocalTransactionState::Unknown
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use mq_core::message as core;
    use mq_starter::Selection;
    use mq_starter::config::SettingsOptions;

    use super::*;
    use crate::request::OrderRequest;

    /// The broker's question about a transaction of this age.
    fn question(order: Order, id: &str, begun_ms: i64) -> Message<Order> {
        let topic = core::TopicName::new("order-topic").unwrap();
        let mut message = core::Message::new(topic, "");
        message.properties.set(core::property::UNIQ_KEY, id);
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let half = core::MessageExt {
            message,
            queue_id: 0,
            queue_offset: core::QueueOffset(0),
            physical_offset: core::PhysicalOffset(0),
            sys_flag: core::SysFlag::default(),
            born_timestamp: begun_ms,
            born_host: nowhere,
            store_timestamp: 0,
            store_host: nowhere,
            reconsume_times: 0,
            prepared_transaction_offset: 0,
            store_size: 0,
        };
        Message::new(order, half.into())
    }

    #[tokio::test]
    async fn a_check_commits_what_is_placed_and_rolls_back_what_is_not_once_it_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("broker").display().to_string();
        let options = SettingsOptions::default().set("rocketmq.embedded.store-path", store);
        let settings = OrderSettings::read(&options).unwrap();
        let app = RocketMQApplication::new().settings(options);
        let app = app.listeners(Selection::of(&[])).build().await.unwrap();
        let database = Database::open(&folder.path().join("order.db")).await;
        let database = database.unwrap();
        let listener = PlaceOrder {
            database: Inject::new(database.clone()),
            template: Inject::new(app.template().clone()),
            settings: Inject::new(settings),
            faults: Inject::new(Faults::default()),
        };
        let request = OrderRequest {
            product: 1,
            customer: 1,
            quantity: 1,
        };
        let placed = database.describe(&request).await.unwrap();
        database.place("placed", &placed, 1).await.unwrap();
        let lost = database.describe(&request).await.unwrap();
        let (old, young) = (0, i64::MAX / 2);

        for (order, id, begun_ms, expected) in [
            (&placed, "placed", old, LocalTransactionState::Commit),
            (&lost, "lost", young, LocalTransactionState::Unknown),
            (&lost, "lost", old, LocalTransactionState::Rollback),
        ] {
            let asked = question(order.clone(), id, begun_ms);
            assert_eq!(listener.check(&asked).await, expected, "{id}");
        }
        app.shutdown().await.unwrap();
        // The status can be announced no more, so the broker has to ask again.
        let asked = question(placed, "placed", old);
        assert_eq!(listener.check(&asked).await, LocalTransactionState::Unknown);
    }
}
