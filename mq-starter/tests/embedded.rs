//! The broker in the process, and the ends of applications that use it.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use mq_core::client::{
    ClientConfig, ConcurrentListener, ConsumerConfig, Outcome, ProducerConfig, StartFrom,
};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, Message, TopicName};
use mq_starter::config::{EmbeddedSettings, SettingsOptions};
use mq_starter::prelude::*;
use mq_starter::{Application, ApplicationError, EmbeddedBroker, Selection};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
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

async fn next<T>(seen: &mut mpsc::UnboundedReceiver<T>) -> T {
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

/// "The producer is shut down", it said, and nobody had made one.
#[tokio::test(flavor = "multi_thread")]
async fn a_template_says_that_its_application_was_shut_down_or_is_turned_off() {
    let store = TempDir::new().unwrap();
    let (app, _seen) = listening(options(&store)).await;
    app.shutdown().await.unwrap();
    let template = app.template();

    let sent = template.sync_send("notices", "x").await;
    let spawned = template.message("notices").payload("x").spawn().await;

    for outcome in [sent, spawned] {
        let text = outcome.unwrap_err().to_string();
        assert!(text.starts_with("the application was shut down"), "{text}");
    }
    let (off, _seen) = listening(options(&store).set("rocketmq.enabled", "false")).await;
    let sent = off.template().sync_send("notices", "x").await;
    let text = sent.unwrap_err().to_string();
    assert!(text.contains("`rocketmq.enabled` is false"), "{text}");
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
    // A file where a directory should be.
    std::fs::File::create(&in_the_way).map(drop).unwrap();
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
    broker.stop(limit).await.unwrap();

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
    broker.stop(limit).await.unwrap();
}

/// Hands on what it gets.
struct Inbox(mpsc::UnboundedSender<Vec<u8>>);

impl ConcurrentListener for Inbox {
    async fn consume(&self, batch: Vec<mq_core::message::MessageExt>) -> Vec<Outcome> {
        for message in &batch {
            self.0.send(message.message.body.to_vec()).unwrap();
        }
        vec![Outcome::Done; batch.len()]
    }
}

/// `name_server()` answered `127.0.0.1:9876`, and a client that believed it sent its message to the
/// broker of a stranger who listened there.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_does_not_listen_has_no_address_and_is_reached_within_the_process() {
    let store = TempDir::new().unwrap();
    let broker = EmbeddedBroker::start(&settings(&store)).await.unwrap();
    assert_eq!((broker.name_server(), broker.address()), (None, None));
    let limit = Duration::from_secs(10);
    let topic = TopicName::new("orders").unwrap();
    let named = |config: &mut ClientConfig| {
        // Whatever is written here, the client is one of this broker.
        config.name_servers = vec!["127.0.0.1:1".to_owned()];
        config.instance_name = Some("importer".to_owned());
    };

    let client = broker.client_with(named).unwrap();
    let producer = ProducerConfig::new(GroupName::new("importer").unwrap());
    let producer = client.producer(producer).unwrap();
    let sent = producer.send(Message::new(topic.clone(), "tea")).await;
    sent.map(drop).unwrap();
    let (inbox, mut seen) = mpsc::unbounded_channel();
    let reader = broker.client().unwrap();
    let mut config = ConsumerConfig::new(GroupName::new("reader").unwrap());
    config.start_from = StartFrom::FirstOffset;
    let consumer = reader.push_consumer(config).subscribe(topic, "*");
    let consumer = consumer.start(Inbox(inbox)).await.unwrap();

    assert_eq!(next(&mut seen).await, b"tea");
    assert_eq!(client.id(), "127.0.0.1@importer");
    consumer.shutdown(limit).await.unwrap();
    for client in [client, reader] {
        client.shutdown(limit).await.unwrap();
    }
    broker.stop(limit).await.unwrap();
    assert!(matches!(
        broker.client(),
        Err(ApplicationError::ShutDown("the embedded broker"))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_listens_everywhere_is_reached_in_both_families_and_where_it_says() {
    let store = TempDir::new().unwrap();
    let settings = EmbeddedSettings {
        listen: Some("0.0.0.0:0".to_owned()),
        broker_port: 0,
        ..settings(&store)
    };
    let broker = EmbeddedBroker::start(&settings).await.unwrap();
    let has_ipv6 = TcpListener::bind("[::1]:0").await.is_ok();

    let name_server = broker.name_server().unwrap();
    for address in [&*name_server, broker.address().unwrap()] {
        let port = address.rsplit_once(':').unwrap().1;
        assert!(TcpStream::connect(address).await.is_ok(), "{address}");
        let v6 = TcpStream::connect(format!("[::1]:{port}")).await;
        assert_eq!(v6.is_ok(), has_ipv6, "{address}");
    }

    broker.stop(Duration::from_secs(10)).await.unwrap();
}

/// 8 MiB were accepted at the start, and every message beyond 4 MiB was refused by the broker.
#[tokio::test(flavor = "multi_thread")]
async fn the_broker_of_an_application_takes_whatever_its_producer_may_send() {
    let store = TempDir::new().unwrap();
    let longest = 8 * 1024 * 1024;
    let options = options(&store)
        .set("rocketmq.producer.max-message-size", longest.to_string())
        .set(
            "rocketmq.producer.compress-message-body-threshold",
            (longest + 1).to_string(),
        );
    let (app, mut seen) = listening(options).await;
    app.start().await.unwrap();
    let template = app.template();

    let whole = "x".repeat(longest);
    let sent = template.convert_and_send("letters", &whole).await;

    sent.unwrap();
    assert_eq!(next(&mut seen).await.len(), "letter ".len() + longest);
    app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_broker_that_takes_less_than_a_producer_may_send_refuses_the_start() {
    let store = TempDir::new().unwrap();
    let build = async |broker: &EmbeddedBroker| {
        let options = SettingsOptions::default();
        let app = RocketMQApplication::new()
            .settings(options.set("rocketmq.producer.max-message-size", "8388608"))
            .listeners(Selection::of(&[]))
            .broker(broker);
        app.build().await
    };
    let limit = Duration::from_secs(10);

    let small = EmbeddedBroker::start(&settings(&store)).await.unwrap();
    let refused = build(&small).await.unwrap_err().to_string();
    small.stop(limit).await.unwrap();
    drop(small);
    let large = EmbeddedSettings {
        max_message_size: 8_388_608,
        ..settings(&store)
    };
    let large = EmbeddedBroker::start(&large).await.unwrap();
    let accepted = build(&large).await;

    assert!(
        refused.contains("max-message-size: is 8388608 bytes")
            && refused.contains("takes at most 4194304"),
        "{refused}"
    );
    accepted.unwrap().shutdown().await.unwrap();
    large.stop(limit).await.unwrap();
}
