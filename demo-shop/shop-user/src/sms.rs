//! The listener: each order becomes one text message.

use axum::Json;
use axum::extract::State as WebState;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mq_starter::prelude::*;
use shop_contracts::Order;

use crate::database::{Begun, Database, Sms};
use crate::gateway::Gateway;

/// How many text messages `GET /sms` shows.
const SHOWN: i64 = 10_000;

/// Sends a text message for each order, once.
#[derive(Debug, Component)]
#[rocketmq_message_listener(topic = "order-topic", consumer_group = "shop")]
pub struct SmsService {
    gateway: Inject<dyn Gateway>,
    database: Inject<Database>,
}

impl RocketMQListener for SmsService {
    type Message = Order;

    /// The row is written first, so a message that comes again finds that its text was sent.
    async fn on_message(&self, order: Order) -> ConsumeResult {
        let text = format!(
            "Thank you for order {}: {} x {}.",
            order.id, order.quantity, order.product
        );
        let begun = self.database.begin(order.id, &order.phone, &text).await?;
        if let Begun::Duplicate(times) = begun {
            tracing::info!(order = order.id, times, "came again, was sent already");
            return Ok(());
        }
        let sent = self.gateway.send(&order.phone, &text).await;
        self.database.finish(order.id, sent.is_ok()).await?;
        Ok(sent?)
    }
}

/// `GET /sms`: the newest first.
pub(crate) async fn list(
    WebState(database): WebState<Database>,
) -> Result<Json<Vec<Sms>>, Refusal> {
    let newest = database.newest(SHOWN).await;
    newest.map(Json).map_err(Refusal)
}

/// The database cannot be read.
#[derive(Debug)]
pub(crate) struct Refusal(sqlx::Error);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        tracing::error!(error = %self.0, "could not read the text messages");
        let body =
            serde_json::json!({ "error": "the text messages cannot be read, try again later" });
        (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
    }
}
