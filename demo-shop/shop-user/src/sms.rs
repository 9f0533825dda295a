//! The listener: each order becomes one text message.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mq_starter::prelude::*;
use shop_contracts::Order;

use crate::database::{Begun, Database, Sms};
use crate::gateway::Gateway;

/// How many text messages `GET /sms` shows.
const MAX_SHOWN: i64 = 10_000;

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
            tracing::info!(
                order = order.id,
                times,
                "the order was delivered again; its text message had been sent already"
            );
            return Ok(());
        }
        let sent = self.gateway.send(&order.phone, &text).await;
        self.database.finish(order.id, sent.is_ok()).await?;
        Ok(sent?)
    }
}

/// `GET /sms`: the newest first.
pub(crate) async fn list(State(database): State<Database>) -> Result<Json<Vec<Sms>>, SmsRefusal> {
    let newest = database.newest(MAX_SHOWN).await;
    newest.map(Json).map_err(SmsRefusal)
}

/// The database cannot be read.
#[derive(Debug)]
pub(crate) struct SmsRefusal(sqlx::Error);

impl IntoResponse for SmsRefusal {
    fn into_response(self) -> Response {
        tracing::error!(error = %self.0, "could not read the text messages");
        let body =
            serde_json::json!({ "error": "the text messages cannot be read, try again later" });
        (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use shop_contracts::OrderStatus;

    use super::*;
    use crate::gateway::{GatewayError, Sending};

    /// Refuses as often as it is told to, and counts what it sends.
    struct Moody {
        refusals: AtomicU32,
        sent: Arc<AtomicU32>,
    }

    impl Gateway for Moody {
        fn send<'a>(&'a self, _phone: &'a str, _text: &'a str) -> Sending<'a> {
            let left = self.refusals.load(Ordering::Relaxed);
            Box::pin(async move {
                if left > 0 {
                    self.refusals.store(left - 1, Ordering::Relaxed);
                    return Err(GatewayError("busy".to_owned()));
                }
                self.sent.fetch_add(1, Ordering::Relaxed);
                Ok(())
            })
        }
    }

    #[tokio::test]
    async fn a_refused_text_message_is_tried_again_and_a_sent_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("user.db"))
            .await
            .unwrap();
        let sent = Arc::new(AtomicU32::new(0));
        let gateway: Arc<dyn Gateway> = Arc::new(Moody {
            refusals: AtomicU32::new(2),
            sent: Arc::clone(&sent),
        });
        let service = SmsService {
            gateway: Inject::new(gateway),
            database: Inject::new(database.clone()),
        };
        let order = Order {
            id: 7,
            product_id: 1,
            product: "Green tea".to_owned(),
            quantity: 1,
            price_cents: 450,
            phone: "138".to_owned(),
            status: OrderStatus::New,
        };
        let state = || async { database.newest(1).await.unwrap().remove(0) };

        assert!(service.on_message(order.clone()).await.is_err());
        assert_eq!(state().await.state, "FAILED");
        assert!(service.on_message(order.clone()).await.is_err());
        assert!(service.on_message(order.clone()).await.is_ok());
        assert!(service.on_message(order).await.is_ok());

        let sms = state().await;
        assert_eq!(
            (sms.attempts, sms.duplicates, sms.state.as_str()),
            (3, 1, "SENT")
        );
        assert_eq!(sent.load(Ordering::Relaxed), 1);
    }
}
