//! A message that no broker takes back, neither for another attempt nor as a dead letter.

use std::sync::Arc;

use mq_core::client::{ConcurrentListener, Outcome, ProducerConfig};
use mq_core::clock::Clock;
use mq_core::message::MessageExt;
use tokio::sync::Semaphore;
use tracing::Level;

use crate::cluster::{
    Cluster, LIMIT, eventually, from_the_beginning, group, in_time, message, send_all, topic,
};
use crate::lines::Lines;
use crate::listeners::Seen;

/// Cannot handle long messages, and says so as soon as it is let.
struct Failing(Seen, Arc<Semaphore>);

impl ConcurrentListener for Failing {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        let is_long = batch[0].message.body.len() > 1;
        self.0.add(batch);
        if !is_long {
            return vec![Outcome::Done];
        }
        let _let = self.1.acquire().await.unwrap();
        vec![Outcome::Later {
            delay_level: 0,
            reason: Some("the gateway is gone".to_owned()),
        }]
    }
}

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
    let mut config = ProducerConfig::new(group("sender"));
    config.compress_body_over = usize::MAX;
    let producer = sender.producer(config).unwrap();
    let long = message(&topic, "long".repeat(10_000));
    let first = producer.send(long).await.unwrap();
    send_all(&producer, &topic, ["a", "b", "c"]).await;
    let (seen, open) = (Seen::default(), Arc::new(Semaphore::new(0)));
    let mut config = from_the_beginning("stuck");
    config.max_reconsume_times = Some(2);
    let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
    let listener = Failing(seen.clone(), Arc::clone(&open));
    let consumer = consumer.start(listener).await.unwrap();
    eventually("all came", || seen.count() == 4).await;
    let held = seen.all().into_iter().find(|one| one.queue_offset.0 == 0);

    // It is lost, and nobody can send one as long as that any more.
    let port = cluster.stop_broker().await;
    cluster.damage(&held.unwrap());
    cluster.set("maxMessageSize=8192");
    cluster.start_broker_again(port).await;
    open.add_permits(1);
    in_time(&clock, "it is passed over", || {
        lines.count(Level::ERROR, "passed over") > 0
    })
    .await;

    assert_eq!(seen.count(), 3 + 3);
    let warning = lines
        .first(Level::WARN, "does not take the message back")
        .unwrap();
    let lost = "look message by offset failed";
    assert!(warning.contains(lost), "{warning}");
    let line = lines.first(Level::ERROR, "passed over").unwrap();
    let id = format!("id={:?}", first.message_id);
    let parts = [
        "topic=stuck",
        "group=stuck",
        &id,
        "attempts=3",
        "the gateway is gone",
        "8192",
    ];
    for part in parts.into_iter().chain([&*first.offset_message_id]) {
        assert!(line.contains(part), "no {part}: {line}");
    }
    consumer.shutdown(LIMIT).await.unwrap();
    assert_eq!(cluster.committed(&group("stuck"), &topic).await, 4);
    cluster.end([], [client, sender]).await;
}
