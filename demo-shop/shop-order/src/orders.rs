//! `GET /orders`, `GET /orders/{id}`, `GET /products`: what is in the database.

use axum::extract::Path;
use mq_starter::{Json, State};
use serde::Serialize;

use crate::database::{Database, OrderDetail, Product, TimelineEntry};
use crate::refusal::OrderRefusal;
use crate::request;

/// How many orders `GET /orders` shows.
const MAX_SHOWN: i64 = 1000;

/// An order with every status that was announced.
#[derive(Debug, Serialize)]
pub(crate) struct OrderHistory {
    #[serde(flatten)]
    order: OrderDetail,
    timeline: Vec<TimelineEntry>,
}

/// The newest orders first.
pub(crate) async fn list(
    State(database): State<Database>,
) -> Result<Json<Vec<OrderDetail>>, OrderRefusal> {
    Ok(Json(database.newest(MAX_SHOWN).await?))
}

/// One order.
pub(crate) async fn one(
    State(database): State<Database>,
    Path(id): Path<String>,
) -> Result<Json<OrderHistory>, OrderRefusal> {
    let id = request::order_id(&id)?;
    let order = database.order(id).await?;
    let order = order.ok_or(OrderRefusal::UnknownOrder(id))?;
    let timeline = database.timeline_of(id).await?;
    Ok(Json(OrderHistory { order, timeline }))
}

/// What there is to order, and how much is left.
pub(crate) async fn products(
    State(database): State<Database>,
) -> Result<Json<Vec<Product>>, OrderRefusal> {
    Ok(Json(database.products().await?))
}
