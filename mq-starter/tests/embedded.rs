//! The broker in the process, and the ends of applications that use it.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use mq_core::clock::Clock;
use mq_starter::config::{EmbeddedSettings, SettingsOptions};
use mq_starter::prelude::*;
use mq_starter::{Application, ApplicationError, EmbeddedBroker, Selection};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// What listeners report.
#[derive(Clone)]
struct Seen(mpsc::UnboundedSender<String>);

/// Its group comes before the other one's.
#[rocketmq_message_listener(topic = "letters", consumer_group = "a-letters")]
async fn take_letter(letter: String, State(seen): State<Seen>) -> ConsumeResult {
    seen.0.send(format!("letter {letter}"))?;
    Ok(())
}

#[rocketmq_message_listener(
    topic = "notices",
    consumer_group = "b-notices",
    message_model = "BROADCASTING"
)]
async fn take_notice(notice: String, State(seen): State<Seen>) -> ConsumeResult {
    seen.0.send(format!("notice {notice}"))?;
    Ok(())
}

fn settings(store: &TempDir) -> EmbeddedSettings {
    EmbeddedSettings {
        store_path: store.path().join("store"),
        ..EmbeddedSettings::default()
    }
}

fn options(store: &TempDir) -> SettingsOptions {
    let path = |name| store.path().join(name).display().to_string();
    SettingsOptions::default()
        .set("rocketmq.client.local-offset-store-dir", path("offsets"))
        .set("rocketmq.embedded.store-path", path("store"))
}

/// An application with both listeners, and what they report.
async fn listening(options: SettingsOptions) -> (Application, mpsc::UnboundedReceiver<String>) {
    let (report, seen) = mpsc::unbounded_channel();
    let app = RocketMQApplication::new()
        .settings(options)
        .provide(Seen(report))
        .listeners(listeners![crate])
        .build();
    (app.await.unwrap(), seen)
}

async fn next(seen: &mut mpsc::UnboundedReceiver<String>) -> String {
    let clock = Clock::system();
    let next = clock.timeout(Duration::from_secs(20), seen.recv()).await;
    next.expect("a listener reports in time").unwrap()
}

/// `start` after `shutdown` was `Ok`, and nothing ran.
#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_was_shut_down_does_not_pretend_to_start() {
    let store = TempDir::new().unwrap();
    let (app, _seen) = listening(options(&store)).await;
    app.start().await.unwrap();
    app.shutdown().await.unwrap();

    let again = app.start().await;
    let run = app.run_until(async {}).await;

    for outcome in [again, run] {
        let text = outcome.unwrap_err().to_string();
        assert!(text.contains("does not start again"), "{text}");
    }
    app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_turned_off_does_not_start_after_its_end_either() {
    let store = TempDir::new().unwrap();
    let (app, _seen) = listening(options(&store).set("rocketmq.enabled", "false")).await;
    app.start().await.unwrap();
    app.shutdown().await.unwrap();

    let again = app.start().await;

    assert!(matches!(again, Err(ApplicationError::ShutDown(_))));
}

/// The second call found one listener running and took all for started.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_after_one_that_failed_starts_the_listeners_that_are_missing() {
    let store = TempDir::new().unwrap();
    let in_the_way = store.path().join("offsets");
    std::fs::write(&in_the_way, "a file where a directory should be").unwrap();
    let (app, mut seen) =
        listening(options(&store).set("rocketmq.topics.notices.queues", "1")).await;

    let refused = app.start().await;
    std::fs::remove_file(&in_the_way).unwrap();
    let started = app.start().await;

    assert!(matches!(refused, Err(ApplicationError::Cluster { .. })));
    started.unwrap();
    for (topic, expected) in [("letters", "letter x"), ("notices", "notice x")] {
        app.template().convert_and_send(topic, "x").await.unwrap();
        assert_eq!(next(&mut seen).await, expected);
    }
    app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_was_stopped_takes_no_application_and_ends_once() {
    let store = TempDir::new().unwrap();
    let broker = EmbeddedBroker::start(&settings(&store)).await.unwrap();
    let limit = Duration::from_secs(10);
    assert!(broker.stop(limit).await.is_empty());

    let late = RocketMQApplication::new()
        .settings(SettingsOptions::default())
        .listeners(Selection::of(&[]))
        .broker(&broker)
        .build()
        .await;

    let text = late.unwrap_err().to_string();
    assert!(
        text.contains("the embedded broker was shut down and does not start again"),
        "{text}"
    );
    assert!(broker.stop(limit).await.is_empty());
}
