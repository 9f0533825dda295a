//! What an order's customer is told, by the status of the order.

use shop_contracts::{Order, OrderStatus};

/// A text message about an order. The order and the kind say which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) order_id: i64,
    /// `placed` or `cancelled`.
    pub(crate) kind: &'static str,
    pub(crate) phone: String,
    pub(crate) text: String,
}

impl News {
    /// `None` for a status of which customers are not told.
    pub(crate) fn of(order: &Order) -> Option<Self> {
        let (id, quantity, product) = (order.id, order.quantity, &order.product);
        let (kind, text) = match order.status {
            OrderStatus::New => (
                "placed",
                format!("Thank you for order {id}: {quantity} x {product}."),
            ),
            OrderStatus::Cancelled => (
                "cancelled",
                format!("Order {id} was cancelled: {quantity} x {product} was not paid in time."),
            ),
            OrderStatus::Paid | OrderStatus::Shipped => return None,
        };
        Some(Self {
            order_id: id,
            kind,
            phone: order.phone.clone(),
            text,
        })
    }
}
