//! `GET /order?pid=1`: a half message, the database transaction, and the message is delivered.

use std::collections::HashMap;

use axum::extract::Query;
use mq_starter::{Json, RocketMQTemplate, State};
use shop_contracts::{ORDER_TOPIC, Order};
use tokio::sync::oneshot;

use crate::announce;
use crate::database::Database;
use crate::faults::Faults;
use crate::place::{NewOrder, PlaceOrder};
use crate::refusal::OrderRefusal;
use crate::request::OrderRequest;

/// Takes an order.
pub(crate) async fn place(
    State(database): State<Database>,
    State(template): State<RocketMQTemplate>,
    State(faults): State<Faults>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Order>, OrderRefusal> {
    let request = OrderRequest::from_query(&query)?;
    let order = database.describe(&request).await?;
    let (outcome, placed) = oneshot::channel();
    let customer = request.customer;
    let sent = template
        .message(ORDER_TOPIC)
        .payload(&order)
        .key(order.id)
        .send_in_transaction::<PlaceOrder>(NewOrder { customer, outcome })
        .await;
    let sent = sent.map_err(|source| OrderRefusal::not_sent(order.id, source))?;
    // Without an outcome the transaction panicked.
    let placed = placed.await.unwrap_or_else(|_dropped| {
        let (order, source) = (order.id, None);
        Err(OrderRefusal::Unclear { order, source })
    });
    placed?;
    tracing::info!(
        order = order.id,
        message = sent.sent.message_id,
        "order taken"
    );
    if faults.take_deliver_twice()
        && let Err(refusal) = announce::order(&template, &order).await
    {
        tracing::warn!(order = order.id, error = %refusal, "could not be sent twice");
    }
    Ok(Json(order))
}
