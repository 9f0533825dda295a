//! Messages in order: within a queue nothing is overtaken, whatever fails.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mq_core::client::{Client, OrderlyListener, OrderlyOutcome, PushConsumer};
use mq_core::message::{MessageExt, TopicName};
use tokio::sync::Semaphore;

use crate::cluster::{
    Cluster, LIMIT, eventually, from_the_beginning, group, message, producer, send_all, topic,
};
use crate::listeners::{Gate, InOrder, Seen, done};

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

/// Sends the bodies to one queue and starts a consumer of batches; each message has one retry.
async fn in_one_batch(
    client: &Client,
    name: &str,
    bodies: &[&str],
    listener: impl OrderlyListener,
) -> PushConsumer {
    let topic = topic(name);
    client.create_topic(&topic, 1).await.unwrap();
    let messages = bodies.iter().map(|body| message(&topic, *body)).collect();
    let sent = producer(client).send_batch(messages).await;
    sent.map(drop).unwrap();
    let mut config = from_the_beginning(name);
    config.consume_batch_size = 32;
    config.suspend = Duration::from_millis(10);
    config.max_reconsume_times = Some(1);
    let consumer = client.push_consumer(config).subscribe(topic, "*");
    consumer.start_orderly(listener).await.unwrap()
}

#[tokio::test]
async fn what_lies_before_the_first_failure_of_a_batch_is_not_delivered_again() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let seen = Seen::default();
    let listener = InOrder(seen.clone(), |message: &MessageExt| {
        match &message.message.body[..] {
            b"b" if message.reconsume_times == 0 => suspend(10),
            b"d" => OrderlyOutcome::DeadLetter {
                reason: "as told".to_owned(),
            },
            _ => OrderlyOutcome::Done,
        }
    });

    let bodies = ["a", "b", "c", "d", "e"];
    let consumer = in_one_batch(&client, "partly", &bodies, listener).await;

    eventually("all are done", || seen.count() == 9).await;
    let again = ["b", "c", "d", "e"];
    assert_eq!(seen.bodies(), [&bodies[..], &again[..]].concat());
    // Those behind the failure had no attempt of their own.
    let attempts: Vec<_> = seen.all().iter().map(|one| one.reconsume_times).collect();
    assert_eq!(attempts, [0, 0, 0, 0, 0, 1, 0, 0, 0]);
    cluster.ends_at(consumer, &topic("partly"), 5).await;
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn messages_without_an_outcome_come_with_the_next_call() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let seen = Seen::default();
    let listener = OneByOne(seen.clone());

    let consumer = in_one_batch(&client, "fewer", &["a", "b", "c"], listener).await;

    eventually("all were the first of a call", || seen.count() == 6).await;
    assert_eq!(seen.bodies(), ["a", "b", "c", "b", "c", "c"]);
    cluster.end([consumer], [client]).await;
}

/// Takes the first message of each batch.
struct OneByOne(Seen);

impl OrderlyListener for OneByOne {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<OrderlyOutcome> {
        self.0.add(batch);
        vec![OrderlyOutcome::Done]
    }
}

#[tokio::test]
async fn a_batch_without_any_outcome_fails_as_a_whole_until_its_retries_are_used_up() {
    struct Silent(Seen);
    impl OrderlyListener for Silent {
        async fn consume(&self, batch: Vec<MessageExt>) -> Vec<OrderlyOutcome> {
            self.0.add(batch);
            Vec::new()
        }
    }
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let seen = Seen::default();

    let consumer = in_one_batch(&client, "silent", &["a", "b"], Silent(seen.clone())).await;

    eventually("both had their retry", || seen.count() == 4).await;
    assert_eq!(seen.bodies(), ["a", "b", "a", "b"]);
    cluster.ends_at(consumer, &topic("silent"), 2).await;
    cluster.end([], [client]).await;
}

/// Commits by itself: `c` commits, the first `b` rolls back.
#[tokio::test]
async fn uncommitted_messages_are_delivered_again_after_a_rollback_and_to_the_next_owner() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let seen = Seen::default();
    let rolled_back = Arc::new(AtomicBool::default());
    let listener = || {
        let rolled_back = Arc::clone(&rolled_back);
        InOrder(seen.clone(), move |message: &MessageExt| {
            match &message.message.body[..] {
                b"b" if !rolled_back.swap(true, Ordering::SeqCst) => {
                    OrderlyOutcome::RollBack { pause: None }
                }
                b"c" => OrderlyOutcome::Done,
                _ => OrderlyOutcome::Uncommitted,
            }
        })
    };
    let topic = topic("by-itself");
    client.create_topic(&topic, 1).await.unwrap();
    let producer = producer(&client);
    send_all(&producer, &topic, ["a", "b", "c", "d"]).await;
    let mut config = from_the_beginning("by-itself");
    config.suspend = Duration::from_millis(10);
    let start = async || {
        let consumer = client.push_consumer(config.clone());
        let consumer = consumer.subscribe(topic.clone(), "*");
        consumer.start_orderly(listener()).await.unwrap()
    };

    let first = start().await;
    eventually("all were handled", || seen.count() == 6).await;
    assert_eq!(seen.bodies(), ["a", "b", "a", "b", "c", "d"]);
    // A rollback is no attempt.
    assert!(
        seen.all()
            .iter()
            .all(|message| message.reconsume_times == 0)
    );
    cluster.ends_at(first, &topic, 3).await;

    let second = start().await;
    eventually("the uncommitted one comes again", || seen.count() == 7).await;
    assert_eq!(seen.bodies().last().unwrap(), "d");
    cluster.end([second], [client]).await;
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
