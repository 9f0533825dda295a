//! What happens to an order after it was placed: paid, shipped, or cancelled when nobody paid.
//!
//! Invariant: a status changes in one way only, NEW → PAID → SHIPPED or NEW → CANCELLED. Doing it again
//! changes nothing and says the same, so that what could not be announced can be announced later.

use shop_contracts::{Order, OrderStatus, StatusChange};

use super::{Database, OrderDetail};
use crate::refusal::OrderRefusal;

impl Database {
    /// Marks the order as paid.
    pub(crate) async fn pay(&self, order: i64) -> Result<StatusChange, OrderRefusal> {
        use OrderStatus::{New, Paid, Shipped};
        self.advance(order, New, Paid, &[Paid, Shipped]).await
    }

    /// Marks the order as shipped.
    pub(crate) async fn ship(&self, order: i64) -> Result<StatusChange, OrderRefusal> {
        use OrderStatus::{Paid, Shipped};
        self.advance(order, Paid, Shipped, &[Shipped]).await
    }

    /// Moves the order on, unless it is not where that begins; gives its status when it is one of `fine`.
    async fn advance(
        &self,
        order: i64,
        from: OrderStatus,
        to: OrderStatus,
        fine: &[OrderStatus],
    ) -> Result<StatusChange, OrderRefusal> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "UPDATE orders SET status = ?, changed_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') \
             WHERE id = ? AND status = ?",
        )
        .bind(to.as_str())
        .bind(order)
        .bind(from.as_str())
        .execute(&mut *transaction)
        .await?;
        let found = OrderDetail::find(&mut *transaction, order).await?;
        transaction.commit().await?;
        let found = found.ok_or(OrderRefusal::UnknownOrder(order))?;
        if !fine.contains(&found.status) {
            return Err(OrderRefusal::WrongStatus {
                order,
                is: found.status,
                wanted: to,
            });
        }
        Ok(found.last_change())
    }

    /// Cancels the order when it is not paid, and puts its goods back; gives the order when it is cancelled.
    /// An id that no order has yet never gets one.
    pub(crate) async fn cancel_unpaid(
        &self,
        order: i64,
    ) -> Result<Option<(Order, StatusChange)>, sqlx::Error> {
        let mut transaction = self.begin().await?;
        let cancelled: Option<(i64, i64)> = sqlx::query_as(
            "UPDATE orders SET status = 'CANCELLED', changed_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') \
             WHERE id = ? AND status = 'NEW' RETURNING product_id, quantity",
        )
        .bind(order)
        .fetch_optional(&mut *transaction)
        .await?;
        if let Some((product, quantity)) = cancelled {
            sqlx::query("UPDATE product SET stock = stock + ? WHERE id = ?")
                .bind(quantity)
                .bind(product)
                .execute(&mut *transaction)
                .await?;
        }
        sqlx::query(
            "INSERT OR IGNORE INTO void_order (order_id) \
             SELECT ?1 WHERE ?1 NOT IN (SELECT id FROM orders)",
        )
        .bind(order)
        .execute(&mut *transaction)
        .await?;
        let found = OrderDetail::find(&mut *transaction, order).await?;
        transaction.commit().await?;
        Ok(found
            .filter(|found| found.status == OrderStatus::Cancelled)
            .map(|found| (found.order(), found.last_change())))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{open, order, request, stock};
    use super::*;

    #[tokio::test]
    async fn an_unpaid_order_is_cancelled_and_its_goods_are_back_once() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        let taken = order(&database, 3, 7).await.unwrap();
        assert_eq!(stock(&database, 3).await, 93);

        let (cancelled, change) = database.cancel_unpaid(taken.id).await.unwrap().unwrap();
        let again = database.cancel_unpaid(taken.id).await.unwrap().unwrap();

        let status = OrderStatus::Cancelled;
        assert_eq!(cancelled, Order { status, ..taken });
        assert_eq!(change.status, status);
        assert_eq!(again, (cancelled, change));
        assert_eq!(stock(&database, 3).await, 100);
        assert_eq!(database.count(status).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_paid_order_is_not_cancelled_and_a_cancelled_one_not_paid() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        let (paid, unpaid) = (
            order(&database, 3, 1).await.unwrap().id,
            order(&database, 3, 1).await.unwrap().id,
        );

        let first = database.pay(paid).await.unwrap();
        let second = database.pay(paid).await.unwrap();
        assert_eq!((first.status, &first), (OrderStatus::Paid, &second));
        assert_eq!(database.cancel_unpaid(paid).await.unwrap(), None);
        assert_eq!(stock(&database, 3).await, 98);

        database.cancel_unpaid(unpaid).await.unwrap().unwrap();
        let refused = database.pay(unpaid).await.unwrap_err().to_string();
        assert_eq!(refused, "order 2 is CANCELLED and cannot become PAID");
    }

    #[tokio::test]
    async fn only_a_paid_order_is_shipped() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        let id = order(&database, 3, 1).await.unwrap().id;

        let refused = database.ship(id).await.unwrap_err().to_string();
        assert_eq!(refused, "order 1 is NEW and cannot become SHIPPED");
        database.pay(id).await.unwrap();
        let shipped = database.ship(id).await.unwrap();
        assert_eq!(shipped.status, OrderStatus::Shipped);
        assert_eq!(database.ship(id).await.unwrap(), shipped);
        assert_eq!(database.pay(id).await.unwrap(), shipped);

        let unknown = database.pay(9).await.unwrap_err().to_string();
        assert_eq!(unknown, "there is no order 9");
    }

    /// An order was placed after its timeout had come, and nobody ever cancelled it.
    #[tokio::test]
    async fn an_order_whose_timeout_came_first_is_not_placed() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        let late = database.describe(&request(4, 1)).await.unwrap();

        assert_eq!(database.cancel_unpaid(late.id).await.unwrap(), None);

        let refused = database.place("tx", &late, 1).await.unwrap_err();
        assert!(matches!(refused, OrderRefusal::TooLate(1)), "{refused:?}");
    }
}
