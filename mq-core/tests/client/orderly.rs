//! Messages in order: within a queue nothing is overtaken, whatever fails.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mq_core::client::{Client, OrderlyListener, OrderlyOutcome};
use mq_core::message::{MessageExt, TopicName};
use tokio::sync::Semaphore;

use crate::cluster::{
    Cluster, LIMIT, eventually, from_the_beginning, group, message, producer, send_all, topic,
};
use crate::listeners::{InOrder, Seen, done};

fn suspend(pause: u64) -> OrderlyOutcome {
    OrderlyOutcome::Suspend {
        pause: Some(Duration::from_millis(pause)),
        reason: Some("as told".to_owned()),
    }
}

#[tokio::test]
async fn messages_of_one_key_keep_their_order_over_suspensions() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("steps");
    let producer = producer(&client);
    for step in 0..60 {
        let (body, key) = (step.to_string(), format!("key-{}", step % 6));
        let sent = producer.send_by_hash(message(&topic, body), &key);
        sent.await.map(drop).unwrap();
    }

    let seen = Seen::default();
    let listener = InOrder(seen.clone(), |message: &MessageExt| {
        let shaky = message.message.body.ends_with(b"5") && message.reconsume_times < 2;
        if shaky {
            suspend(10)
        } else {
            OrderlyOutcome::Done
        }
    });
    let consumer = client
        .push_consumer(from_the_beginning("orderly"))
        .subscribe(topic.clone(), "*");
    let consumer = consumer.start_orderly(listener).await.unwrap();
    eventually("all are done", || seen.count() == 60 + 2 * 6).await;

    let mut by_queue: BTreeMap<i32, Vec<u64>> = BTreeMap::new();
    for message in seen.all() {
        by_queue
            .entry(message.queue_id)
            .or_default()
            .push(message.queue_offset.0);
    }
    for (queue, offsets) in by_queue {
        assert!(offsets.is_sorted(), "queue {queue}: {offsets:?}");
    }
    cluster.end([consumer], [client]).await;
}

#[tokio::test]
async fn hopeless_messages_become_dead_letters_and_the_queue_goes_on() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("hopeless");
    client.create_topic(&topic, 1).await.unwrap();
    send_all(&producer(&client), &topic, ["tried", "refused", "fine"]).await;

    let seen = Seen::default();
    let listener = InOrder(seen.clone(), |message: &MessageExt| {
        match &message.message.body[..] {
            b"tried" => suspend(10),
            b"refused" => OrderlyOutcome::DeadLetter {
                reason: "no such product".to_owned(),
            },
            _ => OrderlyOutcome::Done,
        }
    });
    let mut config = from_the_beginning("strict");
    config.max_reconsume_times = Some(2);
    let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
    let consumer = consumer.start_orderly(listener).await.unwrap();
    eventually("the queue goes on", || seen.count() == 5).await;
    assert_eq!(
        seen.bodies(),
        ["tried", "tried", "tried", "refused", "fine"]
    );

    let dead = Seen::default();
    let dead_letters = TopicName::dead_letters_of(&group("strict"));
    let undertaker = client
        .push_consumer(from_the_beginning("undertaker"))
        .subscribe(dead_letters, "*");
    let undertaker = undertaker.start(done(&dead)).await.unwrap();
    eventually("both are dead letters", || dead.count() == 2).await;
    assert_eq!(dead.sorted_bodies(), ["refused", "tried"]);
    cluster.end([consumer, undertaker], [client]).await;
}

#[tokio::test]
async fn a_queue_changes_hands_only_when_its_lock_is_free() {
    let cluster = Cluster::start().await;
    let (first, second) = (cluster.client(), cluster.client());
    let topic = topic("locked");
    first.create_topic(&topic, 1).await.unwrap();
    let producer = producer(&first);
    send_all(&producer, &topic, ["one"]).await;

    let seen = Seen::default();
    let listener = || InOrder(seen.clone(), |_: &MessageExt| OrderlyOutcome::Done);
    let config = from_the_beginning("relay");
    let a = first
        .push_consumer(config.clone())
        .subscribe(topic.clone(), "*");
    let a = a.start_orderly(listener()).await.unwrap();
    eventually("the first one has it", || seen.count() == 1).await;
    let b = second.push_consumer(config).subscribe(topic.clone(), "*");
    let b = b.start_orderly(listener()).await.unwrap();

    a.shutdown(LIMIT).await.unwrap();
    send_all(&producer, &topic, ["two"]).await;

    eventually("the second one goes on", || seen.count() >= 2).await;
    assert_eq!(seen.bodies(), ["one", "two"]);
    cluster.end([b], [first, second]).await;
}

/// Holds each call until the test lets it go.
struct Gate(Seen, Arc<Semaphore>);

impl OrderlyListener for Gate {
    async fn consume(&self, batch: Vec<MessageExt>) -> OrderlyOutcome {
        self.0.add(batch);
        self.1.acquire().await.unwrap().forget();
        OrderlyOutcome::Done
    }
}

#[tokio::test]
async fn a_queue_whose_call_goes_on_is_nobody_elses_and_an_idle_one_changes_hands_at_once() {
    let cluster = Cluster::start().await;
    let mut clients = [cluster.client(), cluster.client()];
    clients.sort_by(|a, b| a.id().cmp(b.id()));
    // The first in the order of ids gets the first queue.
    let [newcomer, owner] = &clients;
    let (busy, idle) = (topic("a-busy"), topic("b-idle"));
    owner.create_topic(&busy, 1).await.unwrap();
    owner.create_topic(&idle, 2).await.unwrap();
    let producer = producer(owner);
    send_all(&producer, &busy, ["one"]).await;
    let (seen, gate) = (Seen::default(), Arc::new(Semaphore::new(0)));
    let start = async |client: &Client| {
        let consumer = client
            .push_consumer(from_the_beginning("relay"))
            .subscribe(busy.clone(), "*")
            .subscribe(idle.clone(), "*");
        let listener = Gate(seen.clone(), Arc::clone(&gate));
        consumer.start_orderly(listener).await.unwrap()
    };
    let before = start(owner).await;
    eventually("a call is under way", || seen.count() == 1).await;
    eventually("the owner has all", || before.assignment().len() == 4).await;

    let after = start(newcomer).await;
    let has = |topic: &TopicName| after.assignment().iter().any(|queue| queue.topic == *topic);
    eventually("the idle queue is the newcomer's", || has(&idle)).await;
    assert!(!has(&busy), "two have one queue");

    gate.add_permits(9);
    eventually("the other queue follows", || has(&busy)).await;
    send_all(&producer, &busy, ["two"]).await;
    eventually("and goes on", || {
        seen.bodies().last().is_some_and(|body| body == "two")
    })
    .await;
    cluster.end([before, after], clients).await;
}
