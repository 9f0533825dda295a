//! The listener of the group `shop`: news about an order become one text message.

use std::time::Duration;

use mq_core::clock::Clock;
use mq_starter::prelude::*;
use shop_contracts::Order;

use crate::database::{Claim, Database, Sms};
use crate::gateway::{Gateway, GatewayError};
use crate::news::News;
use crate::refusal::Refusal;

/// How many text messages `GET /sms` shows.
const MAX_SHOWN: i64 = 10_000;

/// How long the gateway may take. It is shorter than a claim lasts, so that no other delivery begins
/// to send while this one is still sending.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a delivery looks whether the one that has claimed its text message is done.
const CLAIM_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Sends a text message when an order was placed and when it was cancelled, once each.
#[derive(Debug, Component)]
#[rocketmq_message_listener(
    topic = "order-topic",
    consumer_group = "shop",
    max_reconsume_times = 3
)]
pub struct SmsService {
    gateway: Inject<dyn Gateway>,
    database: Inject<Database>,
    clock: Inject<Clock>,
}

impl RocketMQListener for SmsService {
    type Message = Order;

    /// The row is claimed first, so that a message that comes again finds that its text was sent.
    async fn on_message(&self, order: Order) -> ConsumeResult {
        let Some(news) = News::of(&order) else {
            return Ok(());
        };
        if let Claim::Duplicate(times) = self.claim(&news).await? {
            tracing::info!(
                order = order.id,
                kind = news.kind,
                times,
                "the message came again; its text message had been sent already"
            );
            return Ok(());
        }
        let sent = self.send(&news).await;
        self.database.finish(&news, sent.is_ok()).await?;
        Ok(sent?)
    }
}

impl SmsService {
    /// Claims the text message, after the delivery that is sending it has ended.
    async fn claim(&self, news: &News) -> Result<Claim, sqlx::Error> {
        loop {
            match self.database.claim(news, self.clock.now_ms()).await? {
                Claim::Held => self.clock.sleep(CLAIM_POLL_INTERVAL).await,
                claim => return Ok(claim),
            }
        }
    }

    async fn send(&self, news: &News) -> Result<(), GatewayError> {
        let sending = self.gateway.send(&news.phone, &news.text);
        let sent = self.clock.timeout(SEND_TIMEOUT, sending).await;
        sent.unwrap_or(Err(GatewayError::NoAnswer(SEND_TIMEOUT)))
    }
}

/// `GET /sms`: the newest first.
pub(crate) async fn list(State(database): State<Database>) -> Result<Json<Vec<Sms>>, Refusal> {
    Ok(Json(database.newest(MAX_SHOWN).await?))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shop_contracts::OrderStatus;

    use super::*;
    use crate::gateway::{FakeGateway, GatewayMode};

    fn order(status: OrderStatus) -> Order {
        Order {
            id: 7,
            product_id: 1,
            product: "Green tea".to_owned(),
            quantity: 1,
            price_cents: 450,
            phone: "138".to_owned(),
            status,
        }
    }

    /// The service with a fake gateway, on a clock that is moved by hand.
    struct Stage {
        _folder: tempfile::TempDir,
        service: SmsService,
        gateway: Arc<FakeGateway>,
        clock: Clock,
    }

    impl Stage {
        async fn set() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("user.db");
            let clock = Clock::manual(1_000_000);
            let gateway = Arc::new(FakeGateway::new(clock.clone()));
            let service = SmsService {
                gateway: Inject::new(Arc::clone(&gateway) as Arc<dyn Gateway>),
                database: Inject::new(Database::open(&path).await.unwrap()),
                clock: Inject::new(clock.clone()),
            };
            Self {
                _folder: folder,
                service,
                gateway,
                clock,
            }
        }

        async fn deliver(&self, status: OrderStatus) -> Result<(), String> {
            let delivered = self.service.on_message(order(status)).await;
            delivered.map_err(|error| error.reason())
        }

        /// Attempts, duplicates and state of each row, the newest first.
        async fn rows(&self) -> Vec<(String, i64, i64, String)> {
            let rows = self.service.database.newest(10).await.unwrap();
            let row = |sms: Sms| (sms.kind, sms.attempts, sms.duplicates, sms.state);
            rows.into_iter().map(row).collect()
        }

        /// Moves the clock, for at most a minute, until the newest row is `wanted`.
        async fn advance_until(&self, wanted: (String, i64, i64, String)) {
            let begun = self.clock.moment();
            loop {
                let rows = self.rows().await;
                if rows.first() == Some(&wanted) {
                    return;
                }
                let passed = self.clock.moment().since(begun);
                assert!(passed < Duration::from_mins(1), "{rows:?}");
                self.clock.advance(CLAIM_POLL_INTERVAL).await;
            }
        }
    }

    fn row(kind: &str, attempts: i64, duplicates: i64, state: &str) -> (String, i64, i64, String) {
        (kind.to_owned(), attempts, duplicates, state.to_owned())
    }

    #[tokio::test]
    async fn a_refused_text_message_is_tried_again_and_a_sent_one_is_not() {
        let stage = Stage::set().await;
        stage.gateway.set(GatewayMode::Fail { times: 2 });

        assert!(stage.deliver(OrderStatus::New).await.is_err());
        assert_eq!(stage.rows().await, [row("placed", 1, 0, "FAILED")]);
        assert!(stage.deliver(OrderStatus::New).await.is_err());
        stage.deliver(OrderStatus::New).await.unwrap();
        stage.deliver(OrderStatus::New).await.unwrap();

        assert_eq!(stage.rows().await, [row("placed", 3, 1, "SENT")]);
        assert_eq!(stage.gateway.sent(), 1);
    }

    #[tokio::test]
    async fn a_cancelled_order_has_a_text_message_of_its_own() {
        let stage = Stage::set().await;

        for status in [
            OrderStatus::New,
            OrderStatus::Paid,
            OrderStatus::Cancelled,
            OrderStatus::Cancelled,
        ] {
            stage.deliver(status).await.unwrap();
        }

        let wanted = [row("cancelled", 1, 1, "SENT"), row("placed", 1, 0, "SENT")];
        assert_eq!(stage.rows().await, wanted);
        assert_eq!(stage.gateway.sent(), 2);
    }

    #[tokio::test]
    async fn two_deliveries_at_once_send_one_text_message() {
        let stage = Stage::set().await;
        stage.gateway.set(GatewayMode::Slow);

        let time_passes = stage.advance_until(row("placed", 1, 1, "SENT"));
        let (first, second, ()) = tokio::join!(
            stage.deliver(OrderStatus::New),
            stage.deliver(OrderStatus::New),
            time_passes,
        );

        assert_eq!((first, second), (Ok(()), Ok(())));
        assert_eq!(stage.gateway.sent(), 1);
    }

    /// Takes nothing and never answers.
    struct Silent;

    impl Gateway for Silent {
        fn send<'a>(&'a self, _phone: &'a str, _text: &'a str) -> crate::gateway::Sending<'a> {
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test]
    async fn a_gateway_that_does_not_answer_fails_before_the_claim_is_over() {
        let mut stage = Stage::set().await;
        stage.service.gateway = Inject::new(Arc::new(Silent) as Arc<dyn Gateway>);
        let begun = stage.clock.moment();

        let delivering = stage.deliver(OrderStatus::New);
        let time_passes = stage.advance_until(row("placed", 1, 0, "FAILED"));
        let (delivered, ()) = tokio::join!(delivering, time_passes);

        let reason = delivered.unwrap_err();
        assert!(reason.contains("no answer within 5s"), "{reason}");
        let took = stage.clock.moment().since(begun);
        assert!(took < crate::database::CLAIM_DURATION, "{took:?}");
    }
}
