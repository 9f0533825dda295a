//! A message that no broker takes back, neither for another attempt nor as a dead letter.

use mq_core::client::Outcome;
use mq_core::clock::Clock;
use mq_core::message::MessageExt;
use tracing::Level;

use crate::cluster::{
    Cluster, LIMIT, from_the_beginning, group, in_time, message, producer, send_all, topic,
};
use crate::lines::Lines;
use crate::listeners::{Each, Seen};

/// Held back for ever, the message held back the offset of its queue and all that was finished
/// behind it; the first warning said only "refused".
#[tokio::test]
async fn a_message_that_can_be_given_back_to_nobody_is_passed_over_after_its_attempts() {
    let (lines, _listening) = Lines::listen("mq_core::client");
    let mut cluster = Cluster::start().await;
    let clock = Clock::manual(Clock::system().now_ms());
    let (client, sender) = (cluster.client_by(&clock), cluster.client());
    let topic = topic("stuck");
    sender.create_topic(&topic, 1).await.unwrap();
    let failing = message(&topic, "failing");
    let producer = producer(&sender);
    let first = producer.send(failing).await.unwrap();
    send_all(&producer, &topic, ["a", "b", "c"]).await;
    // Since then the broker may only be read from.
    let port = cluster.stop_broker().await;
    cluster.set("brokerPermission=4");
    cluster.start_broker_again(port).await;
    let seen = Seen::default();
    let mut config = from_the_beginning("stuck");
    config.max_reconsume_times = Some(2);
    let listener = Each(seen.clone(), |message: &MessageExt| {
        if message.message.body.len() == 1 {
            return Outcome::Done;
        }
        Outcome::Later {
            delay_level: 0,
            reason: Some("the gateway is gone".to_owned()),
        }
    });
    let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
    let consumer = consumer.start(listener).await.unwrap();

    in_time(&clock, "it is passed over", || {
        lines.count(Level::ERROR, "passed over") > 0
    })
    .await;

    assert_eq!(seen.count(), 3 + 3);
    let warning = lines
        .first(Level::WARN, "does not take the message back")
        .unwrap();
    assert!(warning.contains("is forbidden"), "{warning}");
    let line = lines.first(Level::ERROR, "passed over").unwrap();
    let id = format!("id={:?}", first.message_id);
    let parts = [
        "topic=stuck",
        "group=stuck",
        &id,
        "attempts=3",
        "the gateway is gone",
        "is forbidden",
    ];
    for part in parts.into_iter().chain([&*first.offset_message_id]) {
        assert!(line.contains(part), "no {part}: {line}");
    }
    consumer.shutdown(LIMIT).await.unwrap();
    assert_eq!(cluster.committed(&group("stuck"), &topic).await, 4);
    cluster.end([], [client, sender]).await;
}
