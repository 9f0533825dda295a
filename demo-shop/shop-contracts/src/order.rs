//! An order, and the end of its time to pay.

use serde::{Deserialize, Serialize};

use crate::OrderStatus;

/// An order, as the caller sees it and as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    pub id: i64,
    pub product_id: i64,
    pub product: String,
    pub quantity: i64,
    /// What the whole order costs.
    pub price_cents: i64,
    pub phone: String,
    pub status: OrderStatus,
}

/// The time to pay this order is over. It may have been paid, or refused and never have existed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderTimeout {
    pub order_id: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_travels_as_json_that_java_reads_too() {
        let order = Order {
            id: 7,
            product_id: 1,
            product: "Green tea".to_owned(),
            quantity: 2,
            price_cents: 900,
            phone: "13800000001".to_owned(),
            status: OrderStatus::New,
        };
        let json = r#"{"id":7,"productId":1,"product":"Green tea","quantity":2,"priceCents":900,"phone":"13800000001","status":"NEW"}"#;

        assert_eq!(serde_json::to_string(&order).unwrap(), json);
        assert_eq!(serde_json::from_str::<Order>(json).unwrap(), order);
    }

    #[test]
    fn a_timeout_travels_as_the_orders_id() {
        let json = serde_json::to_string(&OrderTimeout { order_id: 7 }).unwrap();

        assert_eq!(json, r#"{"orderId":7}"#);
    }
}
