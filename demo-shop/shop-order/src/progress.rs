//! `POST /order/{id}/pay` and `POST /order/{id}/ship`. Both may be called again.

use axum::extract::Path;
use mq_starter::{Json, RocketMQTemplate, State};
use shop_contracts::StatusChange;

use crate::announce;
use crate::database::Database;
use crate::refusal::OrderRefusal;
use crate::request;

/// Marks the order as paid.
pub(crate) async fn pay(
    State(database): State<Database>,
    State(template): State<RocketMQTemplate>,
    Path(id): Path<String>,
) -> Result<Json<StatusChange>, OrderRefusal> {
    let change = database.pay(request::order_id(&id)?).await?;
    announce::status(&template, &change).await?;
    Ok(Json(change))
}

/// Marks the order as shipped.
pub(crate) async fn ship(
    State(database): State<Database>,
    State(template): State<RocketMQTemplate>,
    Path(id): Path<String>,
) -> Result<Json<StatusChange>, OrderRefusal> {
    let change = database.ship(request::order_id(&id)?).await?;
    announce::status(&template, &change).await?;
    Ok(Json(change))
}
