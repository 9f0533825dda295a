//! Messages that are sent in the background leave in the order of the calls.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use mq_starter::EmbeddedBroker;
use mq_starter::config::{EmbeddedSettings, SettingsOptions};
use mq_starter::prelude::*;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(10);

/// The offsets that messages with one hash key got in their queue, in the order of the calls.
async fn offsets_of_sends_to_a_new_topic(template: &RocketMQTemplate, topic: &str) -> Vec<u64> {
    let send = |number| {
        let message = template.message(topic).payload(&number);
        message.hash_key("one queue").spawn()
    };
    let under_way: Vec<_> = (0..300).map(send).collect();
    let mut offsets = Vec::new();
    for sent in under_way {
        offsets.push(sent.await.unwrap().queue_offset.0);
    }
    offsets
}

async fn keep_their_order(options: SettingsOptions) {
    let app = RocketMQApplication::new().settings(options).build();
    let app = app.await.unwrap();

    for topic in ["first", "second", "third"] {
        let offsets = offsets_of_sends_to_a_new_topic(app.template(), topic).await;
        assert!(offsets.is_sorted(), "{topic}: {offsets:?}");
    }

    app.shutdown().await.unwrap();
}

/// While the route of the topic was asked for, and while the topic was made, later ones passed.
#[tokio::test(flavor = "multi_thread")]
async fn sends_in_the_background_to_a_new_topic_keep_their_order_within_the_process() {
    let store = TempDir::new().unwrap();
    let path = store.path().join("store").display().to_string();
    let options = SettingsOptions::default().set("rocketmq.embedded.store-path", path);

    keep_their_order(options).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_in_the_background_to_a_new_topic_keep_their_order_over_a_socket() {
    let store = TempDir::new().unwrap();
    let listening = EmbeddedSettings {
        store_path: store.path().join("store"),
        listen: Some("127.0.0.1:0".to_owned()),
        broker_port: 0,
        ..EmbeddedSettings::default()
    };
    let broker = EmbeddedBroker::start(&listening).await.unwrap();
    let name_server = broker.name_server().unwrap();
    let options = SettingsOptions::default().set("rocketmq.name-server", name_server);

    keep_their_order(options).await;

    broker.stop(LIMIT).await.unwrap();
}
