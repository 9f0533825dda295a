//! What becomes of a message that a listener fails on: by its attribute, by its error, by the settings.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use mq_core::clock::Clock;
use mq_core::store::disk::MemoryDisk;
use mq_starter::config::SettingsOptions;
use mq_starter::prelude::*;
use mq_starter::{Application, ResendTo, Resent};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// What listeners report, and a test reads.
#[derive(Clone)]
struct Seen(mpsc::UnboundedSender<String>);

impl Seen {
    fn report(&self, what: impl Into<String>) {
        // A test that has ended reads no more.
        drop(self.0.send(what.into()));
    }
}

#[rocketmq_message_listener(
    topic = "hopeless",
    consumer_group = "hopeless",
    delay_level_when_next_consume = -1
)]
async fn hopeless(text: String, State(seen): State<Seen>) -> ConsumeResult {
    seen.report(format!("hopeless {text}"));
    Err("no such product".into())
}

#[rocketmq_message_listener(topic = "%DLQ%hopeless", consumer_group = "undertaker-1")]
async fn bury(text: String, headers: Headers, State(seen): State<Seen>) -> ConsumeResult {
    let reason = headers.get("DLQ_REASON").unwrap_or_default();
    seen.report(format!("buried {text}: {reason}"));
    Ok(())
}

/// The second level of the settings is 1 s, the third, which the broker would choose, an hour.
#[rocketmq_message_listener(topic = "soon", consumer_group = "soon", delayLevelWhenNextConsume = 2)]
async fn soon(text: String, message: MessageExt, State(seen): State<Seen>) -> ConsumeResult {
    seen.report(format!("soon {text} {}", message.reconsume_times));
    if message.reconsume_times < 2 {
        return Err("not yet".into());
    }
    Ok(())
}

#[rocketmq_message_listener(
    topic = "retried",
    consumer_group = "retried",
    delay_level_when_next_consume = 2,
    max_reconsume_times = 1,
    on_decode_error = OnDecodeError::Retry
)]
async fn retried(_: Json<u32>) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(topic = "%DLQ%retried", consumer_group = "undertaker-2")]
async fn bury_retried(
    text: String,
    message: MessageExt,
    State(seen): State<Seen>,
) -> ConsumeResult {
    seen.report(format!("buried {text} after {}", message.reconsume_times));
    Ok(())
}

#[rocketmq_message_listener(
    topic = "dropped",
    consumer_group = "dropped",
    on_decode_error = "${decode:DROP}"
)]
async fn dropped(Json(number): Json<u32>, State(seen): State<Seen>) -> ConsumeResult {
    seen.report(format!("number {number}"));
    Ok(())
}

#[rocketmq_message_listener(topic = "%DLQ%dropped", consumer_group = "undertaker-3")]
async fn bury_dropped(text: String, State(seen): State<Seen>) -> ConsumeResult {
    seen.report(format!("buried {text}, which was to be dropped"));
    Ok(())
}

#[rocketmq_message_listener(
    topic = "paused",
    consumer_group = "paused",
    consume_mode = Orderly,
    suspend_current_queue_time_millis = 10
)]
async fn paused(text: String, message: MessageExt, State(seen): State<Seen>) -> ConsumeResult {
    seen.report(format!("paused {text} {}", message.reconsume_times));
    if message.reconsume_times < 40 {
        return Err("not yet".into());
    }
    Ok(())
}

struct Fixture {
    app: Application,
    seen: mpsc::UnboundedReceiver<String>,
    _store: TempDir,
}

impl Fixture {
    async fn start() -> Self {
        let (sender, seen) = mpsc::unbounded_channel();
        let store = TempDir::new().unwrap();
        let path = store.path().display().to_string();
        let options = SettingsOptions::default()
            .set("rocketmq.embedded.store-path", path)
            .set("rocketmq.embedded.message-delay-level", "1h 1s 1h");
        let app = RocketMQApplication::new()
            .settings(options)
            .disk(std::sync::Arc::new(MemoryDisk::default()))
            .provide(Seen(sender));
        let app = app.build().await.unwrap();
        app.start().await.unwrap();
        Self {
            app,
            seen,
            _store: store,
        }
    }

    async fn next(&mut self) -> String {
        let clock = Clock::system();
        let next = clock.timeout(Duration::from_secs(20), self.seen.recv());
        next.await.expect("a listener reports in time").unwrap()
    }

    async fn send(&self, topic: &str, text: &str) {
        let sent = self.app.template().convert_and_send(topic, text).await;
        sent.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_delay_level_minus_one_the_first_failure_is_a_dead_letter() {
    let mut fixture = Fixture::start().await;

    fixture.send("hopeless", "x").await;

    assert_eq!(fixture.next().await, "hopeless x");
    assert_eq!(fixture.next().await, "buried x: no such product");
    fixture.app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixed_delay_level_is_that_of_every_attempt() {
    let mut fixture = Fixture::start().await;

    fixture.send("soon", "x").await;

    for attempt in 0..3 {
        assert_eq!(fixture.next().await, format!("soon x {attempt}"));
    }
    fixture.app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_decoded_is_tried_again_or_dropped_as_the_listener_says() {
    let mut fixture = Fixture::start().await;

    fixture.send("dropped", "no number").await;
    fixture.send("dropped", "5").await;
    assert_eq!(fixture.next().await, "number 5");
    fixture.send("retried", "no number").await;
    // Dead only after the attempt that the group has.
    assert_eq!(fixture.next().await, "buried no number after 2");
    fixture.app.shutdown().await.unwrap();
}

/// The broker has no port, so that no other program could do it.
#[tokio::test(flavor = "multi_thread")]
async fn an_application_lists_its_dead_letters_and_sends_them_again() {
    let mut fixture = Fixture::start().await;
    fixture.send("hopeless", "x").await;
    assert_eq!(fixture.next().await, "hopeless x");
    assert_eq!(fixture.next().await, "buried x: no such product");
    let letters = fixture.app.dead_letters("hopeless").unwrap();

    let letter = letters.list(10).await.unwrap().remove(0);
    assert_eq!(letter.reason(), Some("no such product"));
    let resent = letters.resend(&letter, ResendTo::Group).await.unwrap();
    assert!(matches!(resent, Resent::Now(_)), "{resent:?}");
    assert_eq!(fixture.next().await, "hopeless x");
    let resent = letters.resend(&letter, ResendTo::Group).await.unwrap();
    assert!(matches!(resent, Resent::Before(_)), "{resent:?}");

    let error = fixture.app.dead_letters("a/b").unwrap_err();
    assert!(
        error.to_string().contains("illegal character '/'"),
        "{error}"
    );
    fixture.app.shutdown().await.unwrap();
}

/// With the default of 1 s it would take 40 s.
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_in_order_pauses_as_long_as_the_listener_says() {
    let mut fixture = Fixture::start().await;

    fixture.send("paused", "x").await;

    for attempt in 0..=40 {
        assert_eq!(fixture.next().await, format!("paused x {attempt}"));
    }
    fixture.app.shutdown().await.unwrap();
}
