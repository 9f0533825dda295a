//! `GET /order?pid=1`: the order is written, then announced to whoever wants to know.

use std::collections::HashMap;

use axum::extract::Query;
use mq_starter::{Json, RocketMQTemplate, State};
use shop_contracts::{ORDER_TOPIC, Order};

use crate::database::Database;
use crate::refusal::OrderRefusal;
use crate::request::OrderRequest;

/// Takes an order.
///
/// An order that cannot be announced is taken back: a customer who paid without being told would be
/// worse off than one who has to try again.
pub(crate) async fn place(
    State(database): State<Database>,
    State(template): State<RocketMQTemplate>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Order>, OrderRefusal> {
    let request = OrderRequest::from_query(&query)?;
    let order = database.place(&request).await?;
    if let Err(error) = template.convert_and_send(ORDER_TOPIC, &order).await {
        database.cancel(&order).await?;
        return Err(OrderRefusal::NotAnnounced {
            order: order.id,
            source: error.into(),
        });
    }
    Ok(Json(order))
}
