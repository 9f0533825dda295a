//! What people see: products, orders, and the timeline, which grows with every status that is announced.

use serde::Serialize;
use shop_contracts::{Order, OrderStatus, StatusChange};
use sqlx::SqliteExecutor;

use super::Database;

/// A product, and how many of it are left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    pub id: i64,
    pub name: String,
    pub price_cents: i64,
    pub stock: i64,
}

/// An order, and since when it is as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct OrderDetail {
    pub id: i64,
    pub product_id: i64,
    pub product: String,
    pub quantity: i64,
    pub price_cents: i64,
    pub phone: String,
    #[sqlx(try_from = "String")]
    pub status: OrderStatus,
    pub at: String,
    pub changed_at: String,
}

impl OrderDetail {
    /// The order with this id, as `executor` sees it: a transaction sees its own changes.
    pub(super) async fn find(
        executor: impl SqliteExecutor<'_>,
        id: i64,
    ) -> Result<Option<Self>, sqlx::Error> {
        sqlx::query_as("SELECT * FROM order_detail WHERE id = ?")
            .bind(id)
            .fetch_optional(executor)
            .await
    }

    pub(crate) fn order(&self) -> Order {
        Order {
            id: self.id,
            product_id: self.product_id,
            product: self.product.clone(),
            quantity: self.quantity,
            price_cents: self.price_cents,
            phone: self.phone.clone(),
            status: self.status,
        }
    }

    pub(crate) fn last_change(&self) -> StatusChange {
        StatusChange {
            order_id: self.id,
            status: self.status,
            at: self.changed_at.clone(),
        }
    }
}

/// A status that an order got, in the order in which the announcements came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct TimelineEntry {
    pub id: i64,
    pub order_id: i64,
    #[sqlx(try_from = "String")]
    pub status: OrderStatus,
    pub at: String,
    pub message_id: String,
}

impl Database {
    /// All products.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn products(&self) -> Result<Vec<Product>, sqlx::Error> {
        sqlx::query_as("SELECT id, name, price_cents, stock FROM product ORDER BY id")
            .fetch_all(&self.0)
            .await
    }

    /// The newest orders first, at most `limit`.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn newest(&self, limit: i64) -> Result<Vec<OrderDetail>, sqlx::Error> {
        sqlx::query_as("SELECT * FROM order_detail ORDER BY id DESC LIMIT ?")
            .bind(limit)
            .fetch_all(&self.0)
            .await
    }

    /// One order.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn order(&self, id: i64) -> Result<Option<OrderDetail>, sqlx::Error> {
        OrderDetail::find(&self.0, id).await
    }

    /// How many orders there are in `status`.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn count(&self, status: OrderStatus) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("SELECT count(*) FROM orders WHERE status = ?")
            .bind(status.as_str())
            .fetch_one(&self.0)
            .await
    }

    /// Notes that a status was announced; a second announcement changes nothing.
    pub(crate) async fn note(
        &self,
        change: &StatusChange,
        message_id: &str,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO timeline (order_id, status, at, message_id) VALUES (?, ?, ?, ?) \
             ON CONFLICT (order_id, status) DO NOTHING",
        )
        .bind(change.order_id)
        .bind(change.status.as_str())
        .bind(&change.at)
        .bind(message_id)
        .execute(&self.0)
        .await
        .map(drop)
    }

    /// The timeline of one order.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn timeline_of(&self, order: i64) -> Result<Vec<TimelineEntry>, sqlx::Error> {
        sqlx::query_as("SELECT * FROM timeline WHERE order_id = ? ORDER BY id")
            .bind(order)
            .fetch_all(&self.0)
            .await
    }

    /// The next entries of the timeline behind `id`, at most `limit`.
    pub(crate) async fn timeline_after(
        &self,
        id: i64,
        limit: i64,
    ) -> Result<Vec<TimelineEntry>, sqlx::Error> {
        sqlx::query_as("SELECT * FROM timeline WHERE id > ? ORDER BY id LIMIT ?")
            .bind(id)
            .bind(limit)
            .fetch_all(&self.0)
            .await
    }

    /// The id of the last entry of the timeline, 0 when there is none.
    pub(crate) async fn timeline_end(&self) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM timeline")
            .fetch_one(&self.0)
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{open, order};
    use super::*;

    #[tokio::test]
    async fn a_status_that_is_announced_twice_is_once_in_the_timeline() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        let change = |status| StatusChange {
            order_id: 7,
            status,
            at: "2026-01-31T12:00:00.000Z".to_owned(),
        };

        for (status, message) in [
            (OrderStatus::New, "A"),
            (OrderStatus::New, "B"),
            (OrderStatus::Paid, "C"),
        ] {
            database.note(&change(status), message).await.unwrap();
        }

        let entries = database.timeline_of(7).await.unwrap();
        let seen: Vec<_> = entries
            .iter()
            .map(|entry| (entry.status, entry.message_id.as_str()))
            .collect();
        assert_eq!(seen, [(OrderStatus::New, "A"), (OrderStatus::Paid, "C")]);
        let end = database.timeline_end().await.unwrap();
        assert_eq!(end, entries[1].id);
        let rest = database.timeline_after(entries[0].id, 10).await.unwrap();
        assert_eq!(rest, entries[1..]);
    }

    #[tokio::test]
    async fn the_newest_orders_come_first() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        for product in [1, 2, 3] {
            order(&database, product, 1).await.unwrap();
        }

        let newest = database.newest(2).await.unwrap();

        let ids: Vec<_> = newest.iter().map(|order| order.id).collect();
        assert_eq!(ids, [3, 2]);
        assert_eq!(database.order(3).await.unwrap().as_ref(), newest.first());
        assert_eq!(database.order(9).await.unwrap(), None);
    }
}
