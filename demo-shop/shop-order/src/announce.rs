//! Ordinary messages about orders that are in the database already.
//!
//! Invariant: whoever could not announce something does it again, so every announcement may come twice.

use mq_starter::RocketMQTemplate;
use shop_contracts::{ORDER_TOPIC, Order, STATUS_TOPIC, StatusChange};

use crate::refusal::OrderRefusal;

/// Sends the order as it is now.
pub(crate) async fn order(template: &RocketMQTemplate, order: &Order) -> Result<(), OrderRefusal> {
    let message = template.message(ORDER_TOPIC).payload(order).key(order.id);
    let sent = message.send().await;
    sent.map(drop)
        .map_err(|source| OrderRefusal::not_announced(order.id, source))
}

/// Sends a status that an order got; those of one order keep their order.
pub(crate) async fn status(
    template: &RocketMQTemplate,
    change: &StatusChange,
) -> Result<(), OrderRefusal> {
    let order = change.order_id;
    let message = template.message(STATUS_TOPIC).payload(change).key(order);
    let sent = message.hash_key(order).send().await;
    sent.map(drop)
        .map_err(|source| OrderRefusal::not_announced(order, source))
}
