//! Messages in no particular order: all of them, again when wanted, and never twice after a stop.

use std::sync::Arc;
use std::time::Duration;

use mq_core::client::{ConsumerConfig, Outcome, Target};
use mq_core::clock::Clock;
use mq_core::message::{MessageExt, TopicName, property};
use tokio::sync::Semaphore;

use crate::cluster::{
    Cluster, LIMIT, eventually, from_the_beginning, group, message, producer, send_all, topic,
};
use crate::listeners::{Each, Gate, Seen, done};

#[tokio::test]
async fn a_new_group_that_starts_after_the_first_sends_gets_them_over_both_transports() {
    let cluster = Cluster::start().await;
    for (name, client) in [
        ("tcp", cluster.client()),
        ("within", cluster.client_within()),
    ] {
        let topic = topic(name);
        let bodies: Vec<_> = (0..20).map(|n| format!("{n:02}")).collect();
        send_all(&producer(&client), &topic, &bodies).await;

        let seen = Seen::default();
        let config = ConsumerConfig::new(group(name));
        let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
        let consumer = consumer.start(done(&seen)).await.unwrap();

        eventually("all are there", || seen.count() >= bodies.len()).await;
        assert_eq!(seen.sorted_bodies(), bodies, "{name}");
        consumer.shutdown(LIMIT).await.unwrap();
        client.shutdown(LIMIT).await.unwrap();
    }
    cluster.stop().await;
}

#[tokio::test]
async fn a_consumer_that_was_there_first_finds_the_topic_within_a_moment() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("orders");
    let seen = Seen::default();
    let consumer = client
        .push_consumer(ConsumerConfig::new(group("shop")))
        .subscribe(topic.clone(), "*");
    let consumer = consumer.start(done(&seen)).await.unwrap();

    send_all(&producer(&client), &topic, ["first"]).await;

    let clock = Clock::system();
    let begun = clock.moment();
    eventually("the message is there", || seen.count() == 1).await;
    let waited = clock.moment().since(begun);
    assert!(waited < Duration::from_secs(10), "{waited:?}");
    cluster.end([consumer], [client]).await;
}

/// Each once began in a task of its own, and a thread that had nothing to do took some of them first.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sends_in_the_background_leave_in_the_order_of_the_calls() {
    let cluster = Cluster::start().await;
    for client in [cluster.client(), cluster.client_within()] {
        let producer = producer(&client);
        for topic in [topic("new"), topic("new"), topic("another")] {
            let send = |_| {
                let target = Target::Hash("one queue".to_owned());
                producer.send_async(message(&topic, "x"), target, LIMIT)
            };
            let under_way: Vec<_> = (0..400).map(send).collect();

            let mut offsets = Vec::new();
            for sent in under_way {
                offsets.push(sent.await.unwrap().queue_offset);
            }
            assert!(offsets.is_sorted(), "{topic}: {offsets:?}");
        }
        client.shutdown(LIMIT).await.unwrap();
    }
    cluster.stop().await;
}

#[tokio::test]
async fn every_way_of_sending_arrives_whole() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("ways");
    let producer = producer(&client);
    let long = "long ".repeat(2_000);

    send_all(&producer, &topic, ["plain", &long]).await;
    let handle = producer.send_async(message(&topic, "in the background"), Target::Any, LIMIT);
    handle.await.map(drop).unwrap();
    let one_way = producer.send_one_way(message(&topic, "one way"), Target::Any);
    one_way.await.unwrap();
    let batch = ["batch 1", "batch 2"].map(|body| message(&topic, body));
    let sent = producer.send_batch(batch.to_vec()).await.unwrap();
    assert_eq!(sent.message_id.split(',').count(), 2);
    let mut with_key = message(&topic, "hash");
    with_key.properties.set(property::KEYS, "k1");
    let sent = producer.send_by_hash(with_key, "k1").await.unwrap();

    let seen = Seen::default();
    let consumer = client
        .push_consumer(from_the_beginning("all"))
        .subscribe(topic.clone(), "*");
    let consumer = consumer.start(done(&seen)).await.unwrap();
    eventually("all are there", || seen.count() >= 7).await;
    let mut expected = vec![
        "plain",
        &long,
        "in the background",
        "one way",
        "batch 1",
        "batch 2",
        "hash",
    ];
    expected.sort_unstable();
    assert_eq!(seen.sorted_bodies(), expected);
    let hashed = seen
        .all()
        .into_iter()
        .find(|m| m.message.body == "hash")
        .unwrap();
    assert_eq!(hashed.message_id(), sent.message_id);
    // "k1".hashCode() is 3366, and there are four queues.
    assert_eq!(sent.queue.id, 2);
    assert_eq!(
        hashed.offset_message_id().to_string(),
        sent.offset_message_id
    );
    assert_eq!(hashed.queue_offset, sent.queue_offset);
    assert_eq!(hashed.queue_id, sent.queue.id);
    cluster.end([consumer], [client]).await;
}

#[tokio::test]
async fn tags_choose_what_comes_even_among_equal_hash_codes() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("tagged");
    let producer = producer(&client);
    for tag in ["Aa", "BB", "c", "Aa"] {
        let mut tagged = message(&topic, tag);
        tagged.properties.set(property::TAGS, tag);
        producer.send(tagged).await.map(drop).unwrap();
    }
    send_all(&producer, &topic, ["untagged"]).await;

    let seen = Seen::default();
    let consumer = client
        .push_consumer(from_the_beginning("some"))
        .subscribe(topic.clone(), "Aa || c");
    let consumer = consumer.start(done(&seen)).await.unwrap();
    eventually("all are there", || seen.count() >= 3).await;

    consumer.shutdown(LIMIT).await.unwrap();
    assert_eq!(seen.sorted_bodies(), ["Aa", "Aa", "c"]);
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn what_fails_or_panics_comes_again_and_at_last_is_a_dead_letter() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("trouble");
    send_all(
        &producer(&client),
        &topic,
        ["later", "panic", "hopeless", "fine"],
    )
    .await;

    let seen = Seen::default();
    let mut config = from_the_beginning("troubled");
    config.max_reconsume_times = Some(2);
    let listener = Each(seen.clone(), {
        let seen = seen.clone();
        move |message: &MessageExt| match &message.message.body[..] {
            b"later" if message.reconsume_times < 2 => Outcome::Later {
                delay_level: 0,
                reason: None,
            },
            b"panic" => {
                seen.add(vec![message.clone()]);
                panic!("as told");
            }
            b"hopeless" => Outcome::DeadLetter {
                reason: "no such product".to_owned(),
            },
            _ => Outcome::Done,
        }
    });
    let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
    let consumer = consumer.start(listener).await.unwrap();
    let dead = Seen::default();
    let dead_letters = TopicName::dead_letters_of(&group("troubled"));
    let undertaker = client
        .push_consumer(from_the_beginning("undertaker"))
        .subscribe(dead_letters, "*");
    let undertaker = undertaker.start(done(&dead)).await.unwrap();

    eventually("both dead letters are there", || dead.count() == 2).await;
    eventually("the third attempt is made", || {
        seen.bodies().iter().filter(|body| *body == "later").count() == 3
    })
    .await;

    let bodies = seen.sorted_bodies();
    let times = |body: &str| bodies.iter().filter(|found| *found == body).count();
    assert_eq!(
        ["fine", "later", "panic", "hopeless"].map(times),
        [1, 3, 3, 1]
    );
    assert!(
        seen.all()
            .iter()
            .all(|message| message.message.topic == "trouble")
    );
    assert_eq!(dead.sorted_bodies(), ["hopeless", "panic"]);
    cluster.end([consumer, undertaker], [client]).await;
}

#[tokio::test]
async fn a_stop_waits_for_what_is_under_way_and_leaves_the_rest() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("slow");
    let producer = producer(&client);
    client.create_topic(&topic, 1).await.unwrap();
    send_all(&producer, &topic, (0..10).map(|n| n.to_string())).await;

    let (seen, gate) = (Seen::default(), Arc::new(Semaphore::new(3)));
    let mut config = from_the_beginning("careful");
    config.consume_threads = 2;
    let consumer = client
        .push_consumer(config.clone())
        .subscribe(topic.clone(), "*");
    let consumer = consumer
        .start(Gate(seen.clone(), Arc::clone(&gate)))
        .await
        .unwrap();
    eventually("two are under way", || seen.count() == 5).await;

    let stop = consumer.shutdown(LIMIT);
    let release = async {
        Clock::system().sleep(Duration::from_millis(50)).await;
        gate.add_permits(2);
    };
    let (stopped, ()) = tokio::join!(stop, release);

    stopped.unwrap();
    assert_eq!(seen.count(), 5, "nothing new was begun");
    let rest = Seen::default();
    let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
    let consumer = consumer.start(done(&rest)).await.unwrap();
    eventually("the rest is there", || rest.count() >= 5).await;
    assert_eq!(rest.sorted_bodies(), ["5", "6", "7", "8", "9"]);
    cluster.end([consumer], [client]).await;
}

/// A listener that holds what it has holds up pulling at the second of the pulls that bring 32
/// messages each.
async fn is_held_up_by(limit: impl FnOnce(&mut ConsumerConfig)) {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let [topic, beside] = ["flood", "beside"].map(topic);
    let producer = producer(&client);
    client.create_topic(&topic, 1).await.unwrap();
    let batch = |_| (0..100).map(|_| message(&topic, "drop")).collect();
    for batch in (0..3).map(batch) {
        producer.send_batch(batch).await.map(drop).unwrap();
    }
    let (seen, gate) = (Seen::default(), Arc::new(Semaphore::new(0)));
    let mut config = from_the_beginning("dam");
    limit(&mut config);
    config.consume_batch_size = 1024;
    config.consume_threads = 16;
    let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
    let consumer = consumer
        .start(Gate(seen.clone(), Arc::clone(&gate)))
        .await
        .unwrap();
    let passed = Seen::default();
    let other = client
        .push_consumer(from_the_beginning("river"))
        .subscribe(beside.clone(), "*");
    let other = other.start(done(&passed)).await.unwrap();

    eventually("the limit is passed", || seen.count() > 50).await;
    // Meanwhile pulling of another queue goes on, again and again.
    for count in 1..=20 {
        send_all(&producer, &beside, ["x"]).await;
        eventually("the other one goes on", || passed.count() == count).await;
    }
    assert_eq!(seen.count(), 64);

    gate.add_permits(1000);
    eventually("all are there", || seen.count() == 300).await;
    cluster.end([consumer, other], [client]).await;
}

#[tokio::test]
async fn a_slow_listener_holds_up_pulling_by_the_number_of_messages() {
    is_held_up_by(|config| config.flow.messages = 50).await;
}

#[tokio::test]
async fn a_slow_listener_holds_up_pulling_by_the_bytes_of_messages() {
    is_held_up_by(|config| config.flow.bytes = 50 * "drop".len()).await;
}

#[tokio::test]
async fn a_slow_listener_holds_up_pulling_by_the_distance_of_messages() {
    is_held_up_by(|config| config.flow.span = 50).await;
}

#[tokio::test]
async fn a_slow_listener_holds_up_pulling_by_what_its_topic_may_have() {
    is_held_up_by(|config| config.topic_flow.messages = Some(50)).await;
    is_held_up_by(|config| config.topic_flow.bytes = Some(50 * "drop".len())).await;
}
