//! `GET /order?pid=1`: the order is written, then announced to whoever wants to know.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Query, State};
use mq_starter::RocketMQTemplate;
use shop_contracts::{ORDER_TOPIC, Order};

use crate::database::Database;
use crate::refusal::Refusal;
use crate::request::OrderRequest;

/// What taking an order needs.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) database: Database,
    pub(crate) template: RocketMQTemplate,
}

/// Takes an order.
///
/// An order that cannot be announced is taken back: a customer who paid without being told would be
/// worse off than one who has to try again.
pub(crate) async fn place(
    State(desk): State<Desk>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Order>, Refusal> {
    let request = OrderRequest::from_query(&query)?;
    let order = desk.database.place(&request).await?;
    if let Err(error) = desk.template.convert_and_send(ORDER_TOPIC, &order).await {
        desk.database.cancel(&order).await?;
        return Err(Refusal::NotAnnounced {
            order: order.id,
            source: error.into(),
        });
    }
    Ok(Json(order))
}
