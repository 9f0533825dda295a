//! The listener of the group `shop-points`: the same orders, counted for the customer.

use mq_starter::prelude::*;
use shop_contracts::{Order, OrderStatus};

use crate::database::{Balance, Database};
use crate::refusal::Refusal;

/// What one point costs.
const CENTS_PER_POINT: i64 = 100;

/// Adds a point for each whole 1.00 of an order, and takes them back when it is cancelled.
#[derive(Debug, Component)]
#[rocketmq_message_listener(topic = "order-topic", consumer_group = "shop-points")]
pub struct PointsService {
    database: Inject<Database>,
}

impl RocketMQListener for PointsService {
    type Message = Order;

    async fn on_message(&self, order: Order) -> ConsumeResult {
        let points = order.price_cents / CENTS_PER_POINT;
        match order.status {
            OrderStatus::New => self.database.add_points(&order, points).await?,
            OrderStatus::Cancelled => self.database.take_points_back(&order, points).await?,
            OrderStatus::Paid | OrderStatus::Shipped => {}
        }
        Ok(())
    }
}

/// `GET /points`: the most first.
pub(crate) async fn list(State(database): State<Database>) -> Result<Json<Vec<Balance>>, Refusal> {
    Ok(Json(database.balances().await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: OrderStatus = OrderStatus::New;
    const CANCELLED: OrderStatus = OrderStatus::Cancelled;

    fn order(id: i64, phone: &str, status: OrderStatus) -> Order {
        Order {
            id,
            product_id: 1,
            product: "Green tea".to_owned(),
            quantity: 1,
            price_cents: 450,
            phone: phone.to_owned(),
            status,
        }
    }

    /// The points of each customer after these messages.
    async fn after(orders: &[Order]) -> Vec<(String, i64, i64)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("user.db");
        let service = PointsService {
            database: Inject::new(Database::open(&path).await.unwrap()),
        };
        for order in orders {
            service.on_message(order.clone()).await.unwrap();
        }
        let balances = service.database.balances().await.unwrap();
        let balance = |one: Balance| (one.phone, one.points, one.orders);
        balances.into_iter().map(balance).collect()
    }

    #[tokio::test]
    async fn an_order_counts_once_however_often_its_message_comes() {
        let points = after(&[
            order(1, "138", NEW),
            order(1, "138", NEW),
            order(2, "139", NEW),
            order(3, "139", NEW),
        ])
        .await;

        assert_eq!(points, [("139".into(), 8, 2), ("138".into(), 4, 1)]);
    }

    #[tokio::test]
    async fn a_cancelled_order_counts_nothing_whichever_message_comes_first() {
        for (first, second) in [(NEW, CANCELLED), (CANCELLED, NEW)] {
            let points = after(&[
                order(1, "138", first),
                order(1, "138", second),
                order(1, "138", second),
            ])
            .await;

            assert_eq!(points, [("138".into(), 0, 0)], "{first:?} came first");
        }
    }
}
