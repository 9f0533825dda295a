//! Messages of one order keep their order, whatever the others do.
//!
//! `cargo run -p mq-starter --example orderly`; it ends when every order was shipped.

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::sync::Arc;

use mq_starter::prelude::*;
use tokio::sync::Semaphore;

const ORDERS: u32 = 3;

#[derive(Debug, Serialize, Deserialize)]
struct Step {
    order: u32,
    what: String,
}

/// One permit for each order that was shipped.
#[derive(Clone)]
struct Shipped(Arc<Semaphore>);

#[rocketmq_message_listener(
    topic = "order-status-topic",
    consumer_group = "timeline",
    consume_mode = ConsumeMode::Orderly,
)]
async fn timeline(Json(step): Json<Step>, State(shipped): State<Shipped>) -> ConsumeResult {
    println!("order {}: {}", step.order, step.what);
    if step.what == "shipped" {
        shipped.0.add_permits(1);
    }
    Ok(())
}

#[tokio::main]
async fn main() -> mq_starter::Result<()> {
    tracing_subscriber::fmt().log_internal_errors(false).init();
    let shipped = Shipped(Arc::new(Semaphore::new(0)));
    let app = RocketMQApplication::new()
        .provide(shipped.clone())
        .build()
        .await?;
    for what in ["created", "paid", "shipped"] {
        for order in 1..=ORDERS {
            let step = Step {
                order,
                what: what.to_owned(),
            };
            let sent = app
                .template()
                .sync_send_orderly("order-status-topic", &step, order)
                .await?;
            println!("order {order}: {what} is in queue {}", sent.queue.id);
        }
    }
    let all = async {
        // The semaphore is never closed.
        drop(shipped.0.acquire_many(ORDERS).await);
    };
    app.run_until(all).await?;
    Ok(())
}
