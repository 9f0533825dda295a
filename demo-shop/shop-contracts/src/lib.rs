//! What the services say to each other: topics, and the messages in them.
#![expect(missing_docs, reason = "an application, not a library")]

mod settings;

use serde::{Deserialize, Serialize};
pub use settings::ServiceSettings;

/// Every order that was taken, as an [`Order`].
pub const ORDER_TOPIC: &str = "order-topic";

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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OrderStatus {
    New,
    Cancelled,
}

impl OrderStatus {
    /// As in the database and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::Cancelled => "CANCELLED",
        }
    }
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
}
