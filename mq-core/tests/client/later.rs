//! Messages for a later time, over sockets and within the process.

use std::time::Duration;

use mq_core::client::{Producer, SendResult, Target};
use mq_core::clock::Clock;
use mq_core::message::{Later, MessageExt, TopicName};

use crate::cluster::{Cluster, LIMIT, in_time, message, producer, topic};

const START: i64 = 1_800_000_000_000;

async fn send(producer: &Producer, topic: &TopicName, body: &str, later: Later) -> SendResult {
    let mut message = message(topic, body);
    message.deliver(later);
    let queues = producer.queues(topic).await.unwrap();
    let first = Target::Queue(queues[0].clone());
    producer.send_with(message, first, LIMIT).await.unwrap()
}

/// Bodies of the first queue, and how many ms after the start each was stored.
fn stored(messages: &[MessageExt]) -> Vec<(String, i64)> {
    let of = |message: &MessageExt| {
        let body = String::from_utf8_lossy(&message.message.body).into_owned();
        (body, message.store_timestamp - START)
    };
    messages.iter().map(of).collect()
}

#[tokio::test]
async fn messages_come_at_their_time_over_sockets_and_within_the_process() {
    let clock = Clock::manual(START);
    let cluster = Cluster::by(&clock).await;
    for (name, client) in [
        ("sockets", cluster.client()),
        ("within", cluster.client_within()),
    ] {
        let (topic, producer) = (topic(name), producer(&client));
        let begun = clock.now_ms() - START;
        let after = Later::After(Duration::from_millis(1_700));
        let at = Later::At(clock.now_ms() + 1_600);
        let level = send(&producer, &topic, "level", Later::Level(1)).await;
        assert_eq!(level.recall_handle, None);
        send(&producer, &topic, "after", after)
            .await
            .recall_handle
            .unwrap();
        let at_handle = send(&producer, &topic, "at", at).await.recall_handle;
        let gone = send(&producer, &topic, "gone", at).await;
        let recalled = producer.recall(&gone.recall_handle.unwrap()).await.unwrap();
        assert_eq!(recalled, gone.message_id);

        let mut times = Vec::new();
        while times.len() < 3 {
            in_time(&clock, "a step", || true).await;
            clock.advance(Duration::from_millis(100)).await;
            times = stored(&cluster.everything(&topic).await);
        }
        clock.advance(Duration::from_secs(3)).await;
        let handle = at_handle.unwrap();
        let late = producer.recall(&handle).await.unwrap_err().to_string();
        assert!(
            late.starts_with("could not call the message back"),
            "{late}"
        );

        let expected = [("level", 1_000), ("at", 1_600), ("after", 1_700)];
        let expected = expected.map(|(body, ms)| (body.to_owned(), begun + ms));
        assert_eq!(
            stored(&cluster.everything(&topic).await),
            expected,
            "{name}"
        );
        client.shutdown(LIMIT).await.unwrap();
    }
    cluster.stop().await;
}
