//! A web service that takes orders, and a listener that sends a text message for each.
//!
//! `cargo run -p mq-starter --example axum_app`, then `curl 'localhost:8011/order?pid=1'`.

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::routing::get;
use mq_starter::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    id: i64,
    pid: i64,
    phone: String,
}

/// Numbers the orders.
#[derive(Clone, Default)]
struct Orders(Arc<AtomicI64>);

/// Where text messages go.
trait Gateway: Send + Sync {
    fn send(&self, phone: &str, text: &str);
}

struct Console;

impl Gateway for Console {
    fn send(&self, phone: &str, text: &str) {
        println!("to {phone}: {text}");
    }
}

#[derive(Component)]
#[rocketmq_message_listener(topic = "order-topic", consumer_group = "shop")]
struct SmsService {
    gateway: Inject<dyn Gateway>,
}

impl RocketMQListener for SmsService {
    type Message = Order;

    async fn on_message(&self, order: Order) -> ConsumeResult {
        let text = format!("your order {} is on its way", order.id);
        self.gateway.send(&order.phone, &text);
        Ok(())
    }
}

#[derive(Deserialize)]
struct Wanted {
    pid: i64,
}

async fn create(
    State(template): State<RocketMQTemplate>,
    State(orders): State<Orders>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Order>, (StatusCode, String)> {
    let order = Order {
        id: orders.0.fetch_add(1, Ordering::Relaxed) + 1,
        pid: wanted.pid,
        phone: "13800000000".to_owned(),
    };
    let stored = template
        .message("order-topic:created")
        .payload(&order)
        .key(order.id)
        .send()
        .await
        .map_err(|error| (StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    tracing::info!(order = order.id, id = stored.message_id, "sent");
    Ok(Json(order))
}

#[tokio::main]
async fn main() -> mq_starter::Result<()> {
    tracing_subscriber::fmt().log_internal_errors(false).init();
    let app = RocketMQApplication::new()
        .provide(Orders::default())
        .provide_as::<dyn Gateway>(Arc::new(Console))
        .build()
        .await?;
    let web = Router::new()
        .route("/order", get(create))
        .with_state(app.state());
    let address = app.settings().resolve("127.0.0.1:${server.port:8011}")?;
    app.serve(&address, web).await?;
    Ok(())
}
