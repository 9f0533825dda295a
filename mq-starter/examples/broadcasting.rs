//! Every member of the group gets every message: two applications hang up the same notice.
//!
//! `cargo run -p mq-starter --example broadcasting`; it ends when both have it.

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::sync::Arc;
use std::time::Duration;

use mq_starter::EmbeddedBroker;
use mq_starter::config::{EmbeddedSettings, SettingsOptions};
use mq_starter::prelude::*;
use tokio::sync::Semaphore;

/// One permit for each notice that hangs.
#[derive(Clone)]
struct Board {
    town: &'static str,
    hanging: Arc<Semaphore>,
}

#[rocketmq_message_listener(
    topic = "notices",
    consumer_group = "boards",
    message_model = MessageModel::Broadcasting,
)]
async fn hang(notice: String, State(board): State<Board>) -> ConsumeResult {
    println!("{}: {notice}", board.town);
    board.hanging.add_permits(1);
    Ok(())
}

#[tokio::main]
async fn main() -> mq_starter::Result<()> {
    tracing_subscriber::fmt().log_internal_errors(false).init();
    let broker = EmbeddedBroker::start(&EmbeddedSettings::default()).await?;
    let hanging = Arc::new(Semaphore::new(0));
    let mut towns = Vec::new();
    for town in ["Suzhou", "Hangzhou"] {
        let hanging = Arc::clone(&hanging);
        // A board shows what is sent from its start on, so the topic must be there before.
        let settings = SettingsOptions::from_process().set("rocketmq.topics.notices.queues", "4");
        let app = RocketMQApplication::new()
            .settings(settings)
            .provide(Board { town, hanging })
            .broker(&broker)
            .build()
            .await?;
        app.start().await?;
        towns.push(app);
    }
    if let Some(first) = towns.first() {
        let template = first.template();
        template
            .convert_and_send("notices", "market on Sunday")
            .await?;
    }
    // The semaphore is never closed.
    drop(hanging.acquire_many(2).await);
    for app in &towns {
        app.shutdown().await?;
    }
    broker.stop(Duration::from_secs(10)).await?;
    Ok(())
}
