//! Receiving through the template, steering listeners, and where a group begins, on a broker in the
//! process without a port.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use mq_core::clock::Clock;
use mq_core::store::disk::MemoryDisk;
use mq_starter::config::{EmbeddedSettings, SettingsOptions};
use mq_starter::prelude::*;
use mq_starter::{
    Application, ApplicationError, EmbeddedBroker, QueueOffset, ReceiveError, Received, SeekTo,
};
use tempfile::TempDir;
use tokio::sync::mpsc;

const LIMIT: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    id: i64,
}

/// What listeners report.
#[derive(Clone)]
struct Seen(mpsc::UnboundedSender<Order>);

impl Seen {
    fn report(&self, order: Order) {
        // A test that has ended reads no more.
        drop(self.0.send(order));
    }
}

#[rocketmq_message_listener(
    topic = "listened",
    consumer_group = "listening",
    consume_from_where = ConsumeFromWhere::FirstOffset,
    consume_mode = Orderly,
)]
async fn listen(Json(order): Json<Order>, State(seen): State<Seen>) -> ConsumeResult {
    seen.report(order);
    Ok(())
}

struct Stage {
    broker: EmbeddedBroker,
    _store: TempDir,
}

impl Stage {
    async fn start() -> Self {
        let store = TempDir::new().unwrap();
        let settings = EmbeddedSettings {
            store_path: store.path().into(),
            ..EmbeddedSettings::default()
        };
        let broker = EmbeddedBroker::start(&settings).await.unwrap();
        Self {
            broker,
            _store: store,
        }
    }

    async fn application(
        &self,
        settings: &[(&str, &str)],
    ) -> Result<(Application, mpsc::UnboundedReceiver<Order>), ApplicationError> {
        let (sender, seen) = mpsc::unbounded_channel();
        let mut options = SettingsOptions::default()
            .set("rocketmq.topics.orders.queues", "1")
            .set("rocketmq.topics.listened.queues", "1");
        for (key, value) in settings {
            options = options.set(*key, *value);
        }
        let app = RocketMQApplication::new()
            .settings(options)
            .broker(&self.broker)
            .provide(Seen(sender));
        Ok((app.build().await?, seen))
    }

    /// An application that receives the orders.
    async fn receiving(&self) -> Application {
        self.application(&RECEIVING).await.unwrap().0
    }

    async fn end(self) {
        self.broker.stop(LIMIT).await.unwrap();
    }
}

const RECEIVING: [(&str, &str); 2] = [
    ("rocketmq.pull-consumer.group", "reports"),
    ("rocketmq.pull-consumer.topic", "orders"),
];

async fn send(app: &Application, topic: &str, ids: impl IntoIterator<Item = i64>) {
    for id in ids {
        let template = app.template();
        template
            .convert_and_send(topic, &Order { id })
            .await
            .unwrap();
    }
}

/// Receives until there are so many.
async fn receive(app: &Application, count: usize) -> Vec<Received<Order>> {
    let clock = Clock::system();
    let until = clock.moment().plus(LIMIT);
    let mut all = Vec::new();
    while all.len() < count {
        assert!(clock.moment() < until, "only {all:?}");
        all.extend(
            app.template()
                .receive::<Order>(count - all.len())
                .await
                .unwrap(),
        );
    }
    all
}

fn ids(received: &[Received<Order>]) -> Vec<i64> {
    let ids = received.iter().map(|one| one.payload().unwrap().id);
    ids.collect()
}

#[tokio::test]
async fn what_is_not_acknowledged_comes_again_after_a_restart() {
    let stage = Stage::start().await;
    let app = stage.receiving().await;
    send(&app, "orders", 1..=3).await;

    let received = receive(&app, 3).await;
    assert_eq!(ids(&received), [1, 2, 3]);
    assert_eq!(received.first().unwrap().message().topic(), "orders");
    assert!(received.first().unwrap().ack());
    assert!(received.last().unwrap().ack());
    app.shutdown().await.unwrap();
    assert!(received.iter().all(|one| !one.ack()), "too late");

    let app = stage.receiving().await;
    let again = receive(&app, 2).await;
    assert_eq!(ids(&again), [2, 3]);
    assert!(again.iter().all(Received::ack));
    app.shutdown().await.unwrap();

    let app = stage.receiving().await;
    send(&app, "orders", [4]).await;
    assert_eq!(ids(&receive(&app, 1).await), [4]);
    app.shutdown().await.unwrap();
    stage.end().await;
}

#[tokio::test]
async fn receiving_without_settings_or_after_a_shutdown_says_so() {
    let stage = Stage::start().await;
    let (app, _seen) = stage.application(&[]).await.unwrap();
    let nothing = app.template().receive::<Order>(1).await.unwrap_err();
    assert_eq!(nothing, ReceiveError::NotConfigured);
    assert!(
        nothing.to_string().contains("rocketmq.pull-consumer.group"),
        "{nothing}"
    );
    assert!(app.template().deliveries::<Order>().is_err());
    app.shutdown().await.unwrap();

    let app = stage.receiving().await;
    let brief = Duration::from_millis(20);
    let none = app.template().receive_within::<Order>(1, brief).await;
    assert!(none.unwrap().is_empty());
    let mut deliveries = app.template().deliveries::<Order>().unwrap();
    app.shutdown().await.unwrap();

    assert!(deliveries.next().await.is_none());
    let late = app.template().receive::<Order>(1).await.unwrap_err();
    assert_eq!(late, ReceiveError::ShutDown);
    stage.end().await;
}

#[tokio::test]
async fn a_stream_gives_deliveries_one_by_one() {
    let stage = Stage::start().await;
    let app = stage.receiving().await;
    send(&app, "orders", 1..=3).await;

    let mut deliveries = app.template().deliveries::<Order>().unwrap();
    for id in 1..=3 {
        let received = deliveries.next().await.unwrap();
        assert_eq!(received.payload().unwrap(), Order { id });
        assert!(received.ack());
    }

    app.shutdown().await.unwrap();
    stage.end().await;
}

#[tokio::test]
async fn a_payload_of_another_type_is_told_and_can_be_acknowledged() {
    let stage = Stage::start().await;
    let app = stage.receiving().await;
    app.template()
        .convert_and_send("orders", "no order")
        .await
        .unwrap();
    send(&app, "orders", [2]).await;

    let received = receive(&app, 2).await;

    let mistaken = received.first().unwrap();
    let error = mistaken.payload().unwrap_err();
    assert!(error.to_string().contains("Order"), "{error}");
    assert_eq!(mistaken.message().body(), "no order");
    assert!(mistaken.ack());
    assert_eq!(received.last().unwrap().payload().unwrap(), Order { id: 2 });
    app.shutdown().await.unwrap();
    stage.end().await;
}

#[tokio::test]
async fn each_setting_of_the_pull_consumer_counts() {
    let stage = Stage::start().await;
    let settings = [
        RECEIVING[0],
        RECEIVING[1],
        ("rocketmq.pull-consumer.selector-expression", "paid"),
        ("rocketmq.pull-consumer.message-model", "CLUSTERING"),
        ("rocketmq.pull-consumer.selector-type", "TAG"),
        ("rocketmq.pull-consumer.pull-batch-size", "1"),
        ("rocketmq.pull-consumer.instance-name", "reports-instance"),
    ];
    let (app, _seen) = stage.application(&settings).await.unwrap();
    send(&app, "orders:created", [1]).await;
    send(&app, "orders:paid", [2]).await;

    assert_eq!(ids(&receive(&app, 1).await), [2]);
    app.shutdown().await.unwrap();

    let listened = [
        ("rocketmq.pull-consumer.group", "listening"),
        ("rocketmq.pull-consumer.topic", "orders"),
    ];
    let refused = stage.application(&listened).await.unwrap_err().to_string();
    assert!(
        refused.contains(
            "set by the program: rocketmq.pull-consumer.group: the group `listening` has listeners"
        ),
        "{refused}"
    );
    stage.end().await;
}

#[tokio::test]
async fn broadcasting_applications_receive_everything_each() {
    let stage = Stage::start().await;
    let directory = TempDir::new().unwrap();
    let directory = directory.path().display().to_string();
    let settings = |instance| {
        [
            RECEIVING[0],
            RECEIVING[1],
            ("rocketmq.pull-consumer.message-model", "BROADCASTING"),
            ("rocketmq.pull-consumer.instance-name", instance),
            ("rocketmq.client.local-offset-store-dir", directory.as_str()),
        ]
    };
    let (first, _seen) = stage.application(&settings("one")).await.unwrap();
    let (second, _seen) = stage.application(&settings("two")).await.unwrap();
    let brief = Duration::from_millis(100);
    // Each begins at the end that the topic has by then.
    for app in [&first, &second] {
        while app
            .template()
            .receive_within::<Order>(1, brief)
            .await
            .unwrap()
            .is_empty()
        {
            send(&first, "orders", [0]).await;
        }
    }

    send(&first, "orders", 1..=2).await;

    for app in [&first, &second] {
        let mut seen = Vec::new();
        while seen.len() < 2 {
            let received = ids(&receive(app, 1).await);
            seen.extend(received.into_iter().filter(|id| *id > 0));
        }
        assert_eq!(seen, [1, 2]);
    }
    first.shutdown().await.unwrap();
    second.shutdown().await.unwrap();
    stage.end().await;
}

async fn next(seen: &mut mpsc::UnboundedReceiver<Order>) -> i64 {
    let next = Clock::system().timeout(LIMIT, seen.recv()).await;
    next.unwrap().unwrap().id
}

#[tokio::test]
async fn listeners_are_paused_resumed_moved_and_looked_at_while_they_run() {
    let stage = Stage::start().await;
    let (app, mut seen) = stage.application(&[]).await.unwrap();
    // The group begins at the first message, not behind it.
    send(&app, "listened", 1..=2).await;
    assert!(
        app.listener_group("listening").await.is_none(),
        "not started"
    );
    app.start().await.unwrap();
    assert_eq!(next(&mut seen).await, 1);
    assert_eq!(next(&mut seen).await, 2);
    assert!(app.listener_group("nobody").await.is_none());
    let group = app.listener_group("listening").await.unwrap();

    group.pause();
    assert!(group.status().is_paused);
    send(&app, "listened", [3]).await;
    let brief = Duration::from_millis(100);
    let nothing = Clock::system().timeout(brief, seen.recv()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    group.resume();
    assert_eq!(next(&mut seen).await, 3);

    let queues = group.status().queues;
    let listened = queues
        .iter()
        .find(|status| status.queue.topic == "listened");
    let queue = listened.unwrap().queue.clone();
    group.seek(&queue, SeekTo::Begin).await.unwrap();
    for id in 1..=3 {
        assert_eq!(next(&mut seen).await, id);
    }
    group.seek(&queue, QueueOffset(2)).await.unwrap();
    assert_eq!(next(&mut seen).await, 3);
    app.shutdown().await.unwrap();
    stage.end().await;
}

/// What the settings say of a listener is stronger than its attribute.
#[tokio::test]
async fn a_group_begins_where_the_settings_say() {
    let key = "rocketmq.consumer.listeners.listening.listened";
    let app = async |settings: &[(String, &str)]| {
        let mut options = SettingsOptions::default();
        for (key, value) in settings {
            options = options.set(key.as_str(), *value);
        }
        let store = TempDir::new().unwrap();
        let path = store.path().display().to_string();
        let (sender, _seen) = mpsc::unbounded_channel();
        let app = RocketMQApplication::new()
            .settings(options.set("rocketmq.embedded.store-path", path))
            .disk(Arc::new(MemoryDisk::default()))
            .provide(Seen(sender));
        app.build().await
    };
    let from = format!("{key}.consume-from-where");
    let time = format!("{key}.consume-timestamp");

    for wrong in [
        vec![(time.clone(), "20260131235959")],
        vec![
            (from.clone(), "CONSUME_FROM_TIMESTAMP"),
            (time.clone(), "20260231000000"),
        ],
        vec![(from.clone(), "CONSUME_FROM_SOMEWHERE")],
    ] {
        let refused = app(&wrong).await.unwrap_err().to_string();
        assert!(refused.contains("consume"), "{refused}");
    }
    let right = [(from, "CONSUME_FROM_TIMESTAMP"), (time, "20260131235959")];
    app(&right).await.unwrap().shutdown().await.unwrap();
}
