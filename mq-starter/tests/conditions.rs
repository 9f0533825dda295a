//! A listener that selects by a condition over headers, on a broker in the process without a port.

use std::time::Duration;

use mq_core::clock::Clock;
use mq_starter::config::SettingsOptions;
use mq_starter::prelude::*;
use tempfile::TempDir;
use tokio::sync::mpsc;

/// What came.
#[derive(Clone)]
struct Came(mpsc::UnboundedSender<String>);

#[rocketmq_message_listener(
    topic = "orders",
    consumer_group = "dear",
    selector_type = SelectorType::Sql92,
    selector_expression = "total >= 100 AND TAGS <> 'cancelled'"
)]
async fn dear(order: String, State(came): State<Came>) -> ConsumeResult {
    came.0.send(format!("dear {order}"))?;
    Ok(())
}

/// What it selects by, the settings say.
#[rocketmq_message_listener(topic = "orders", consumer_group = "chosen")]
async fn chosen(order: String, State(came): State<Came>) -> ConsumeResult {
    came.0.send(format!("chosen {order}"))?;
    Ok(())
}

fn options(store: &TempDir, condition: &str) -> SettingsOptions {
    let key = "rocketmq.consumer.listeners.chosen.orders";
    let path = store.path().display().to_string();
    SettingsOptions::default()
        .set("rocketmq.embedded.store-path", path)
        .set("rocketmq.producer.group", "shop")
        .set(format!("{key}.selector-type"), "SQL92")
        .set(format!("{key}.selector-expression"), condition)
}

fn application(options: SettingsOptions) -> (RocketMQApplication, mpsc::UnboundedReceiver<String>) {
    let (sender, came) = mpsc::unbounded_channel();
    let app = RocketMQApplication::new()
        .settings(options)
        .provide(Came(sender))
        .listeners(listeners![crate]);
    (app, came)
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_get_what_their_conditions_let_through() {
    let store = TempDir::new().unwrap();
    let (app, mut came) = application(options(&store, "region = 'eu'"));
    let app = app.build().await.unwrap();
    app.start().await.unwrap();

    for (to, order, total, region) in [
        ("orders:created", "cheap", 99, "us"),
        ("orders:cancelled", "cancelled", 100, "us"),
        ("orders:created", "far", 100, "us"),
        ("orders:created", "near", 5, "eu"),
    ] {
        let message = app.template().message(to).payload(order);
        let message = message.header("total", total).header("region", region);
        let _sent = message.send().await.unwrap();
    }

    let clock = Clock::system();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let next = clock.timeout(Duration::from_secs(20), came.recv()).await;
        seen.push(next.expect("a listener reports in time").unwrap());
    }
    app.shutdown().await.unwrap();
    while let Ok(more) = came.try_recv() {
        seen.push(more);
    }
    seen.sort();
    assert_eq!(seen, ["chosen near", "dear far"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_in_the_settings_is_checked_at_the_start() {
    let store = TempDir::new().unwrap();
    for (condition, reason) in [
        ("region =", "found the end at byte 8"),
        ("total > 5 + 5", "brokers ignore `+ 5`"),
        ("*", "a condition is missing"),
    ] {
        let (app, _came) = application(options(&store, condition));

        let refused = app.build().await.unwrap_err().to_string();

        assert!(refused.contains("selector_expression"), "{refused}");
        assert!(refused.contains(reason), "{refused}");
    }
}
