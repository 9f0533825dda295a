//! The end of an order's time to pay: what is still unpaid is cancelled.

use std::time::Duration;

use mq_starter::SendError;
use mq_starter::prelude::*;
use shop_contracts::{OrderTimeout, TIMEOUT_TOPIC};

use crate::announce;
use crate::database::Database;

/// Has the time to pay `order_id` end after `pay_timeout`. The order need not be there yet.
pub(crate) async fn schedule(
    template: &RocketMQTemplate,
    order_id: i64,
    pay_timeout: Duration,
) -> Result<(), SendError> {
    let timeout = OrderTimeout { order_id };
    let message = template.message(TIMEOUT_TOPIC).payload(&timeout);
    let sent = message.key(order_id).delay(pay_timeout).send().await;
    sent.map(drop)
}

/// Cancels an order that is not paid, puts its goods back, and announces that.
///
/// When it could not be announced the timeout comes again, finds the order cancelled and announces it then.
#[rocketmq_message_listener(topic = "order-timeout-topic", consumer_group = "shop-timeout")]
async fn cancel_unpaid(
    Json(timeout): Json<OrderTimeout>,
    State(database): State<Database>,
    State(template): State<RocketMQTemplate>,
) -> ConsumeResult {
    let Some((order, change)) = database.cancel_unpaid(timeout.order_id).await? else {
        return Ok(());
    };
    tracing::info!(order = order.id, "not paid in time: cancelled");
    announce::order(&template, &order).await?;
    announce::status(&template, &change).await?;
    Ok(())
}
