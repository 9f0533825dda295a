//! Points: one row for each order, which counts once.
//!
//! Invariant: once an order was cancelled, it counts nothing, in whatever order and however often its
//! messages come.

use serde::Serialize;
use shop_contracts::Order;

use super::Database;

/// The points of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Balance {
    pub phone: String,
    pub points: i64,
    /// How many orders they come from.
    pub orders: i64,
}

impl Database {
    /// Adds the points of an order, unless that was done before or the order was cancelled.
    pub(crate) async fn add_points(&self, order: &Order, points: i64) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO points (order_id, phone, points, state) VALUES (?, ?, ?, 'ADDED') \
             ON CONFLICT (order_id) DO NOTHING",
        )
        .bind(order.id)
        .bind(&order.phone)
        .bind(points)
        .execute(&self.0)
        .await
        .map(drop)
    }

    /// Takes the points of an order back, also those of one whose points were not added yet.
    pub(crate) async fn take_points_back(
        &self,
        order: &Order,
        points: i64,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO points (order_id, phone, points, state) VALUES (?, ?, ?, 'TAKEN_BACK') \
             ON CONFLICT (order_id) DO UPDATE SET state = 'TAKEN_BACK'",
        )
        .bind(order.id)
        .bind(&order.phone)
        .bind(points)
        .execute(&self.0)
        .await
        .map(drop)
    }

    /// The points of every customer, the most first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn balances(&self) -> Result<Vec<Balance>, sqlx::Error> {
        sqlx::query_as(
            "SELECT phone, sum(iif(state = 'ADDED', points, 0)) AS points, \
                    sum(state = 'ADDED') AS orders \
             FROM points GROUP BY phone ORDER BY 2 DESC, phone",
        )
        .fetch_all(&self.0)
        .await
    }
}
