//! Consuming in time, as attributes and settings say it: timeouts, pulls, the wait at the end, clients of a
//! listener's own, and the message trace.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use mq_core::clock::Clock;
use mq_core::store::disk::MemoryDisk;
use mq_starter::config::SettingsOptions;
use mq_starter::prelude::*;
use mq_starter::{Application, ApplicationError};
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

#[rocketmq_message_listener(topic = "hangs", consumer_group = "hangs", consume_timeout = 3)]
async fn hang(message: MessageExt, State(seen): State<Seen>) -> ConsumeResult {
    seen.report(format!("hangs {}", message.reconsume_times));
    if message.reconsume_times == 0 {
        std::future::pending::<()>().await;
    }
    Ok(())
}

#[rocketmq_message_listener(
    topic = "endless",
    consumer_group = "endless",
    awaitTerminationMillisWhenShutdown = 5000
)]
async fn endless(State(seen): State<Seen>) -> ConsumeResult {
    seen.report("endless");
    std::future::pending().await
}

#[rocketmq_message_listener(
    topic = "named",
    consumer_group = "named",
    instance_name = "${own.name:DEFAULT}",
    enable_msg_trace = true,
    customized_trace_topic = "my-traces"
)]
async fn named(text: String, State(seen): State<Seen>) -> ConsumeResult {
    seen.report(text);
    Ok(())
}

#[rocketmq_message_listener(topic = "my-traces", consumer_group = "reader")]
async fn read_traces(text: String, State(seen): State<Seen>) -> ConsumeResult {
    let records = text.split_terminator('\u{2}');
    for record in records {
        let fields: Vec<_> = record.split('\u{1}').collect();
        seen.report(format!("trace {}", fields.first().unwrap()));
    }
    Ok(())
}

struct Stage {
    app: Application,
    seen: mpsc::UnboundedReceiver<String>,
    clock: Clock,
    _store: TempDir,
}

impl Stage {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let store = TempDir::new().unwrap();
        let clock = Clock::manual(1_800_000_000_000);
        let (reports, seen) = mpsc::unbounded_channel();
        let mut options = SettingsOptions::default()
            .set("rocketmq.embedded.message-delay-level", "1s 1s 1s")
            .set("rocketmq.shutdown-timeout", "100s");
        for topic in ["hangs", "endless", "named", "my-traces"] {
            options = options.set(format!("rocketmq.topics.{topic}.queues"), "1");
        }
        for (key, value) in settings {
            options = options.set(*key, *value);
        }
        let app = RocketMQApplication::new()
            .settings(options.set(
                "rocketmq.embedded.store-path",
                store.path().display().to_string(),
            ))
            .listeners(listeners![crate])
            .provide(Seen(reports))
            .clock(clock.clone())
            .disk(std::sync::Arc::new(MemoryDisk::default()))
            .build()
            .await
            .unwrap();
        app.start().await.unwrap();
        Self {
            app,
            seen,
            clock,
            _store: store,
        }
    }

    async fn send(&self, topic: &str) {
        let sent = self.app.template().sync_send(topic, "x").await;
        sent.map(drop).unwrap();
    }

    /// Moves the clock on until something is reported; gives it, and for how long the clock was moved on.
    async fn next(&mut self) -> (String, Duration) {
        let begun = self.clock.moment();
        loop {
            if let Ok(report) = self.seen.try_recv() {
                return (report, self.clock.moment().since(begun));
            }
            let waited = self.clock.moment().since(begun);
            assert!(waited < Duration::from_hours(1), "nothing is reported");
            self.clock.advance(Duration::from_millis(200)).await;
            Clock::system().sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test]
async fn a_handler_has_as_many_minutes_as_the_attribute_or_the_settings_say() {
    let block = "rocketmq.consumer.listeners.hangs.hangs.consume-timeout";
    for (settings, minutes) in [(&[][..], 3), (&[(block, "1")], 1)] {
        let mut stage = Stage::start(settings).await;
        stage.send("hangs").await;
        assert_eq!(stage.next().await.0, "hangs 0");

        let (again, after) = stage.next().await;

        assert_eq!(again, "hangs 1");
        let limit = Duration::from_mins(minutes);
        assert!(
            (limit..limit + Duration::from_secs(30)).contains(&after),
            "{after:?}"
        );
    }
}

#[tokio::test]
async fn the_end_waits_for_handlers_no_longer_than_the_listener_says() {
    let mut stage = Stage::start(&[]).await;
    stage.send("endless").await;
    assert_eq!(stage.next().await.0, "endless");

    let begun = stage.clock.moment();
    let time = stage.clock.advance(Duration::from_secs(5));
    let (stopped, ()) = tokio::join!(stage.app.shutdown(), time);

    let ApplicationError::Stop(problems) = stopped.unwrap_err() else {
        unreachable!();
    };
    let problem = problems[0].to_string();
    assert!(
        problem.contains("`endless`") && problem.contains("for 5."),
        "{problem}"
    );
    assert_eq!(stage.clock.moment().since(begun), Duration::from_secs(5));
}

/// Offsets of broadcasting are kept under the client id.
#[tokio::test]
async fn a_listener_with_an_instance_name_has_a_client_of_its_own() {
    let offsets = TempDir::new().unwrap();
    let directory = offsets.path().display().to_string();
    let mut stage = Stage::start(&[
        ("own.name", "mine"),
        ("rocketmq.client.local-offset-store-dir", &directory),
        (
            "rocketmq.consumer.listeners.named.named.message-model",
            "BROADCASTING",
        ),
    ])
    .await;
    let group = stage.app.listener_group("named").await.unwrap();
    while group.status().queues.is_empty() {
        stage.clock.advance(Duration::from_millis(200)).await;
        Clock::system().sleep(Duration::from_millis(1)).await;
    }

    stage.send("named").await;

    while stage.next().await.0 != "x" {}
    stage.app.shutdown().await.unwrap();
    assert!(
        offsets
            .path()
            .join("127.0.0.1@mine/named/offsets.json")
            .exists()
    );
}

#[tokio::test]
async fn what_a_listener_and_the_template_do_is_in_the_trace() {
    let mut stage = Stage::start(&[
        ("rocketmq.producer.enable-msg-trace", "true"),
        ("rocketmq.producer.customized-trace-topic", "my-traces"),
    ])
    .await;

    stage.send("named").await;

    let mut seen = Vec::new();
    while seen.len() < 4 {
        seen.push(stage.next().await.0);
    }
    seen.sort();
    assert_eq!(
        seen,
        ["trace Pub", "trace SubAfter", "trace SubBefore", "x"]
    );
}
