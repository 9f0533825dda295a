//! What is sent, and the reply to it, as Java writes both.

use mq_starter::prelude::*;

/// What is sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: i64,
    pub(crate) product: String,
    pub(crate) price: f64,
    pub(crate) quantity: u32,
    pub(crate) gift: bool,
    pub(crate) notes: Vec<String>,
    pub(crate) shard: String,
}

/// What an order costs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) id: i64,
    pub(crate) total: f64,
}

impl Order {
    /// As a request it gets this reply.
    pub(crate) fn receipt(&self) -> Receipt {
        Receipt {
            id: self.id,
            total: self.price * f64::from(self.quantity),
        }
    }
}
