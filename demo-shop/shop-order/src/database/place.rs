//! An order from its description to its row, and what a check finds of it.
//!
//! Invariant: an order is placed together with the row of `tx_log` that names its transaction, or not at all.
//! Once a check was told that it was not, it cannot be placed any more.

use std::time::Duration;

use shop_contracts::{Order, OrderStatus, StatusChange};

use super::Database;
use crate::refusal::OrderRefusal;
use crate::request::OrderRequest;

/// What became of the transaction that was to place an order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The order is placed.
    Placed(StatusChange),
    /// The order is not placed and never will be.
    Void,
    /// The order is not placed, and may still be.
    Open,
}

impl Database {
    /// The order as it is going to be placed, with an id of its own.
    pub(crate) async fn describe(&self, request: &OrderRequest) -> Result<Order, OrderRefusal> {
        let product: Option<(String, i64)> =
            sqlx::query_as("SELECT name, price_cents FROM product WHERE id = ?")
                .bind(request.product)
                .fetch_optional(&self.0)
                .await?;
        let (product, price) = product.ok_or(OrderRefusal::UnknownProduct(request.product))?;
        let phone: Option<String> = sqlx::query_scalar("SELECT phone FROM customer WHERE id = ?")
            .bind(request.customer)
            .fetch_optional(&self.0)
            .await?;
        let phone = phone.ok_or(OrderRefusal::UnknownCustomer(request.customer))?;
        let id = sqlx::query_scalar("UPDATE order_sequence SET last = last + 1 RETURNING last")
            .fetch_one(&self.0)
            .await?;
        Ok(Order {
            id,
            product_id: request.product,
            product,
            quantity: request.quantity,
            price_cents: price.saturating_mul(request.quantity),
            phone,
            status: OrderStatus::New,
        })
    }

    /// Writes the order and its transaction, and takes the goods from the stock.
    pub(crate) async fn place(
        &self,
        transaction_id: &str,
        order: &Order,
        customer: i64,
    ) -> Result<StatusChange, OrderRefusal> {
        let mut transaction = self.begin().await?;
        let left: Option<i64> = sqlx::query_scalar("SELECT stock FROM product WHERE id = ?")
            .bind(order.product_id)
            .fetch_optional(&mut *transaction)
            .await?;
        let left = left.ok_or(OrderRefusal::UnknownProduct(order.product_id))?;
        if left < order.quantity {
            let product = order.product_id;
            return Err(OrderRefusal::SoldOut { product, left });
        }
        let at: Option<String> = sqlx::query_scalar(
            "INSERT INTO orders (id, product_id, customer_id, quantity, price_cents) \
             SELECT ?1, ?2, ?3, ?4, ?5 WHERE ?1 NOT IN (SELECT order_id FROM void_order) RETURNING at",
        )
        .bind(order.id)
        .bind(order.product_id)
        .bind(customer)
        .bind(order.quantity)
        .bind(order.price_cents)
        .fetch_optional(&mut *transaction)
        .await?;
        let at = at.ok_or(OrderRefusal::TooLate(order.id))?;
        sqlx::query("UPDATE product SET stock = stock - ? WHERE id = ?")
            .bind(order.quantity)
            .bind(order.product_id)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("INSERT INTO tx_log (tx_id, order_id, at) VALUES (?, ?, ?)")
            .bind(transaction_id)
            .bind(order.id)
            .bind(&at)
            .execute(&mut *transaction)
            .await?;
        let committed = transaction.commit().await;
        committed.map_err(|source| OrderRefusal::Unclear {
            order: order.id,
            source: Some(source),
        })?;
        Ok(StatusChange {
            order_id: order.id,
            status: OrderStatus::New,
            at,
        })
    }

    /// What became of a transaction that began at `begun_ms`, in ms since 1970. One that is older than
    /// `patience` and has written nothing never will.
    pub(crate) async fn settle(
        &self,
        transaction_id: &str,
        order_id: i64,
        begun_ms: i64,
        patience: Duration,
    ) -> Result<Settled, sqlx::Error> {
        let mut transaction = self.begin().await?;
        let at: Option<String> = sqlx::query_scalar("SELECT at FROM tx_log WHERE tx_id = ?")
            .bind(transaction_id)
            .fetch_optional(&mut *transaction)
            .await?;
        if let Some(at) = at {
            let status = OrderStatus::New;
            return Ok(Settled::Placed(StatusChange {
                order_id,
                status,
                at,
            }));
        }
        let patience = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
        sqlx::query(
            "INSERT OR IGNORE INTO void_order (order_id) \
             SELECT ? WHERE unixepoch('subsec') * 1000 >= ?",
        )
        .bind(order_id)
        .bind(begun_ms.saturating_add(patience))
        .execute(&mut *transaction)
        .await?;
        let void: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM void_order WHERE order_id = ?)")
                .bind(order_id)
                .fetch_one(&mut *transaction)
                .await?;
        transaction.commit().await?;
        Ok(if void { Settled::Void } else { Settled::Open })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{open, order, request, stock};
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    /// When a transaction began that a check finds young, as far as these tests reach.
    const JUST_NOW_MS: i64 = i64::MAX / 2;

    #[tokio::test]
    async fn an_order_takes_from_the_stock_and_a_refused_one_leaves_it() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;

        let taken = order(&database, 4, 1).await.unwrap();
        let refused = order(&database, 4, 1).await.unwrap_err();

        assert_eq!(
            (taken.id, taken.product.as_str(), taken.price_cents),
            (1, "Signed cup", 9900)
        );
        assert!(
            matches!(refused, OrderRefusal::SoldOut { left: 0, .. }),
            "{refused:?}"
        );
        assert_eq!(database.count(OrderStatus::New).await.unwrap(), 1);
        assert_eq!(stock(&database, 4).await, 0);
    }

    #[tokio::test]
    async fn what_is_not_there_is_refused_and_leaves_no_row() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;

        let unknown = order(&database, 99, 1).await.unwrap_err();
        assert!(
            matches!(unknown, OrderRefusal::UnknownProduct(99)),
            "{unknown:?}"
        );
        let stranger = OrderRequest {
            customer: 99,
            ..request(1, 1)
        };
        let stranger = database.describe(&stranger).await.unwrap_err();
        assert!(
            matches!(stranger, OrderRefusal::UnknownCustomer(99)),
            "{stranger:?}"
        );
        assert_eq!(database.count(OrderStatus::New).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn ids_are_never_given_twice_not_even_by_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        assert_eq!(database.describe(&request(1, 2)).await.unwrap().id, 1);
        assert_eq!(order(&database, 1, 2).await.unwrap().id, 2);
        database.close().await;

        let database = open(&folder).await;

        assert_eq!(database.count(OrderStatus::New).await.unwrap(), 1);
        assert_eq!(order(&database, 1, 2).await.unwrap().id, 3);
    }

    #[tokio::test]
    async fn many_orders_at_once_never_sell_more_than_there_is() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;

        let all = (0..120).map(|_| {
            let database = database.clone();
            async move { order(&database, 3, 1).await.is_ok() }
        });
        let outcomes = futures_util::future::join_all(all).await;

        assert_eq!(outcomes.iter().filter(|sold| **sold).count(), 100);
        assert_eq!(database.count(OrderStatus::New).await.unwrap(), 100);
        assert_eq!(stock(&database, 3).await, 0);
    }

    #[tokio::test]
    async fn a_check_knows_a_placed_order_by_its_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        let order = database.describe(&request(1, 1)).await.unwrap();
        let placed = database.place("tx", &order, 1).await.unwrap();

        let settled = database.settle("tx", order.id, 0, MINUTE).await.unwrap();

        assert_eq!(settled, Settled::Placed(placed));
    }

    #[tokio::test]
    async fn a_young_transaction_is_open_and_an_old_one_cannot_place_its_order_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        let order = database.describe(&request(4, 1)).await.unwrap();
        let settle = |begun_ms| database.settle("tx", order.id, begun_ms, MINUTE);

        assert_eq!(settle(JUST_NOW_MS).await.unwrap(), Settled::Open);
        assert_eq!(settle(0).await.unwrap(), Settled::Void);
        assert_eq!(settle(JUST_NOW_MS).await.unwrap(), Settled::Void);

        let late = database.place("tx", &order, 1).await.unwrap_err();
        assert!(matches!(late, OrderRefusal::TooLate(1)), "{late:?}");
        assert_eq!(stock(&database, 4).await, 1);
    }
}
