//! Messages for a later time through the template, on a broker in the process without a port.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::{Duration, SystemTime};

use mq_core::clock::Clock;
use mq_core::store::disk::MemoryDisk;
use mq_starter::config::SettingsOptions;
use mq_starter::prelude::*;
use mq_starter::{Application, SendError};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// What came, and when.
#[derive(Clone)]
struct Came(mpsc::UnboundedSender<(String, i64)>);

#[rocketmq_message_listener(topic = "reminders", consumer_group = "later")]
async fn remind(text: String, State(came): State<Came>) -> ConsumeResult {
    came.0.send((text, Clock::system().now_ms()))?;
    Ok(())
}

async fn application(store: &TempDir) -> (Application, mpsc::UnboundedReceiver<(String, i64)>) {
    let (sender, came) = mpsc::unbounded_channel();
    let path = store.path().display().to_string();
    let options = SettingsOptions::default().set("rocketmq.embedded.store-path", path);
    let app = RocketMQApplication::new()
        .settings(options)
        .disk(std::sync::Arc::new(MemoryDisk::default()))
        .provide(Came(sender));
    let app = app.build().await.unwrap();
    app.start().await.unwrap();
    (app, came)
}

#[tokio::test]
async fn every_way_to_say_when_is_kept_to() {
    const DELAY_MS: i64 = 1_500;

    let store = TempDir::new().unwrap();
    let (app, mut came) = application(&store).await;
    let template = app.template();
    let (called_back, mut outcome) = mpsc::unbounded_channel();
    let begun = Clock::system().now_ms();
    let due = u64::try_from(begun + DELAY_MS).unwrap();
    let message = |text| template.message("reminders").payload(text);
    let delay = Duration::from_millis(1_500);

    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(due);
    let _sent = message("builder, at").deliver_at(at).send().await.unwrap();
    let _sent = message("builder, after").delay(delay).send().await.unwrap();
    let _sent = message("builder, level")
        .delay_level(2)
        .send()
        .await
        .unwrap();
    message("one way").delay(delay).send_one_way().unwrap();
    let to = "reminders";
    let (secs, millis) = (2, 1_500);
    let _sent = template
        .sync_send_delay_time_seconds(to, "seconds", secs)
        .await
        .unwrap();
    let _sent = template
        .sync_send_delay_time_mills(to, "mills", millis)
        .await
        .unwrap();
    let sent = template.sync_send_deliver_time_mills(to, "deliver", begun + DELAY_MS);
    let _sent = sent.await.unwrap();
    for (nth, text) in ["async seconds", "async mills", "async deliver"]
        .into_iter()
        .enumerate()
    {
        let done = called_back.clone();
        let done = move |sent: Result<SendResult, SendError>| done.send(sent.map(drop)).unwrap();
        match nth {
            0 => template.async_send_delay_time_seconds(to, text, secs, done),
            1 => template.async_send_delay_time_mills(to, text, millis, done),
            _ => template.async_send_deliver_time_mills(to, text, begun + DELAY_MS, done),
        }
        outcome.recv().await.unwrap().unwrap();
    }
    let gone = message("called back").delay(delay).send().await.unwrap();
    let id = template.recall(&gone.recall_handle.unwrap()).await.unwrap();
    assert_eq!(id, gone.message_id);

    let mut texts = Vec::new();
    while texts.len() < 10 {
        let (text, at_ms) = came.recv().await.unwrap();
        assert!(
            at_ms >= begun + DELAY_MS,
            "{text} is {} ms early",
            begun + DELAY_MS - at_ms
        );
        texts.push(text);
    }
    assert!(texts.iter().all(|text| text != "called back"), "{texts:?}");
    app.shutdown().await.unwrap();
    assert!(came.try_recv().is_err(), "something came twice");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    let store = TempDir::new().unwrap();
    let (app, _came) = application(&store).await;
    let template = app.template();
    let message = || template.message("reminders").payload("x");

    let none = message().delay(Duration::ZERO).send().await.unwrap_err();
    assert!(matches!(none, SendError::NoDelay(_)), "{none}");
    let none = template
        .sync_send_delay_time_seconds("reminders", "x", 0)
        .await;
    assert!(matches!(none, Err(SendError::NoDelay(_))));
    let twice = message()
        .delay_level(1)
        .delay(Duration::from_secs(1))
        .send_one_way();
    assert!(matches!(twice, Err(SendError::TwoTimes(_))));
    let too_far = message()
        .delay(Duration::from_hours(24 * 4))
        .send()
        .await
        .unwrap_err();
    assert!(
        too_far.to_string().contains("at most 259200 s"),
        "{too_far}"
    );
    let no_handle = template.recall("x").await.unwrap_err();
    assert!(
        no_handle.to_string().contains("recall handle is invalid"),
        "{no_handle}"
    );
    app.shutdown().await.unwrap();
}
