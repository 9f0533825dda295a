//! Message trace: what producers, transactions and consumers leave in it, and what happens to messages
//! when it cannot be written.

use std::time::Duration;

use mq_core::client::{
    Client, LitePullConfig, Outcome, Producer, ProducerConfig, StartFrom, Target, TraceSettings,
    TransactionState,
};
use mq_core::clock::Clock;
use mq_core::message::{MessageExt, TopicName, property};

use crate::cluster::{
    Cluster, LIMIT, eventually, from_the_beginning, group, message, producer, send_all, topic,
};
use crate::listeners::{Each, Seen, done};
use crate::transactions::{SOON, Says};

fn to(name: &str) -> TraceSettings {
    TraceSettings { topic: topic(name) }
}

fn traced(client: &Client, trace: TraceSettings) -> Producer {
    let mut config = ProducerConfig::new(group("shop-order"));
    config.trace = Some(trace);
    client.producer(config).unwrap()
}

/// The fields of all records in a trace topic.
async fn records(cluster: &Cluster, topic: &TopicName) -> Vec<Vec<String>> {
    let messages = cluster.everything(topic).await;
    let body = |message: &MessageExt| String::from_utf8(message.message.body.to_vec()).unwrap();
    let text: String = messages.iter().map(body).collect();
    let lines = text.split_terminator('\u{2}');
    let fields = |line: &str| line.split('\u{1}').map(str::to_owned).collect();
    lines.map(fields).collect()
}

fn of_type<'a>(records: &'a [Vec<String>], name: &str) -> Vec<&'a [String]> {
    let of_type = records.iter().filter(|fields| fields[0] == name);
    of_type.map(Vec::as_slice).collect()
}

#[tokio::test]
async fn a_send_is_traced_whoever_waits_for_it_and_a_one_way_message_is_not() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let orders = topic("orders");
    let producer = traced(&client, TraceSettings::default());
    let mut keyed = message(&orders, "one coffee");
    keyed.properties.set(property::KEYS, "order-1 paid");
    keyed.properties.set(property::TAGS, "coffee");

    let sent = producer.send(keyed).await.unwrap();
    let later = producer.send_async(message(&orders, "two"), Target::Any, LIMIT);
    later.await.map(drop).unwrap();
    let one_way = producer.send_one_way(message(&orders, "three"), Target::Any);
    one_way.await.unwrap();
    producer.shutdown(LIMIT).await.unwrap();

    let traces = TraceSettings::default().topic;
    let stored = &cluster.everything(&traces).await[0];
    assert!(stored.message.keys().any(|key| key == sent.message_id));
    assert!(stored.message.keys().any(|key| key == "order-1"));
    let records = records(&cluster, &traces).await;
    let [first, second] = &records[..] else {
        panic!("{records:?}");
    };
    assert_eq!(first.len(), 14);
    assert_eq!(first[0], "Pub");
    assert_eq!(
        first[2..8],
        [
            "DefaultRegion",
            "shop-order",
            "orders",
            &*sent.message_id,
            "coffee",
            "order-1 paid"
        ]
    );
    assert_eq!(first[9], "10", "the length of the body");
    assert_eq!(first[11..], ["0", &*sent.offset_message_id, "true"]);
    assert_eq!(second[6..8], ["null", "null"]);
    assert_eq!(client.lost_traces(), 0);
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn each_attempt_of_a_listener_is_traced_before_and_after() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let (orders, traces) = (topic("orders"), topic("my-traces"));
    client.create_topic(&traces, 1).await.unwrap();
    send_all(&producer(&client), &orders, ["one coffee"]).await;
    let seen = Seen::default();
    let mut config = from_the_beginning("shop");
    config.trace = Some(to("my-traces"));
    let outcome = |delivery: &MessageExt| match delivery.reconsume_times {
        0 => again(),
        _ => Outcome::Done,
    };

    let consumer = client.push_consumer(config).subscribe(orders, "*");
    let consumer = consumer.start(Each(seen.clone(), outcome)).await.unwrap();
    eventually("it was done", || seen.count() == 2).await;
    consumer.shutdown(LIMIT).await.unwrap();

    let records = records(&cluster, &traces).await;
    let (before, after) = (
        of_type(&records, "SubBefore"),
        of_type(&records, "SubAfter"),
    );
    assert_eq!((before.len(), after.len()), (2, 2), "{records:?}");
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before[2..4], ["DefaultRegion", "shop"]);
        assert_eq!(before[4], after[1], "the id of the call");
        assert_eq!(before[5], after[2], "the id of the message");
        assert_eq!(after[8], "shop");
    }
    assert_eq!(column(&before, 6), ["0", "1"], "earlier attempts");
    assert_eq!(column(&after, 4), ["false", "true"]);
    assert_eq!(column(&after, 6), ["4", "0"], "FAILED, then SUCCESS");
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_traced_as_that() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let (orders, traces) = (topic("orders"), topic("my-traces"));
    client.create_topic(&traces, 1).await.unwrap();
    send_all(&producer(&client), &orders, ["one coffee"]).await;
    let seen = Seen::default();
    let mut config = from_the_beginning("shop");
    config.trace = Some(to("my-traces"));
    config.consume_timeout = Duration::from_millis(1);
    let slow = |_: &MessageExt| {
        std::thread::sleep(Duration::from_millis(5));
        Outcome::Done
    };

    let consumer = client.push_consumer(config).subscribe(orders, "*");
    let consumer = consumer.start(Each(seen.clone(), slow)).await.unwrap();
    eventually("it was done", || seen.count() > 0).await;
    consumer.shutdown(LIMIT).await.unwrap();

    let records = records(&cluster, &traces).await;
    let after = of_type(&records, "SubAfter");
    assert_eq!((&*after[0][4], &*after[0][6]), ("true", "1"), "TIME_OUT");
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn what_a_poll_hands_over_is_traced_as_consumed() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let (orders, traces) = (topic("orders"), topic("my-traces"));
    client.create_topic(&traces, 1).await.unwrap();
    send_all(&producer(&client), &orders, ["one coffee"]).await;
    let mut config = LitePullConfig::new(group("report"));
    config.start_from = StartFrom::FirstOffset;
    config.trace = Some(to("my-traces"));

    let consumer = client.lite_pull_consumer(config).subscribe(orders, "*");
    let consumer = consumer.start().await.unwrap();
    let polled = consumer.poll(LIMIT).await.unwrap();
    consumer.shutdown(LIMIT).await.unwrap();

    let records = records(&cluster, &traces).await;
    let id = polled[0].message_id();
    let [before, after] = &records[..] else {
        panic!("{records:?}");
    };
    assert_eq!((&*before[0], &before[5]), ("SubBefore", &id));
    assert_eq!(
        (&*after[0], &after[2], &*after[4]),
        ("SubAfter", &id, "true")
    );
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn the_end_of_a_transaction_is_traced_whoever_says_it() {
    let cluster = Cluster::with(&SOON).await;
    let client = cluster.client();
    let (orders, traces) = (topic("orders"), topic("my-traces"));
    client.create_topic(&traces, 1).await.unwrap();
    let producer = traced(&client, to("my-traces"));
    let says = Says::new(TransactionState::Rollback);
    producer.answer_checks(says.clone());
    let mut keyed = message(&orders, "committed");
    keyed.properties.set(property::KEYS, "order-1");

    let open = producer.begin(keyed).await.unwrap();
    let committed = open.commit().await.unwrap().message_id;
    let left = producer.begin(message(&orders, "left")).await.unwrap();
    let left = left.half().message_id.clone();
    eventually("it was asked about", || says.asked() > 0).await;
    producer.shutdown(LIMIT).await.unwrap();

    let records = records(&cluster, &traces).await;
    let sent = of_type(&records, "Pub");
    assert_eq!(column(&sent, 11), ["1", "1"], "half messages");
    let ends = of_type(&records, "EndTransaction");
    let (by_producer, by_checker) = (&ends[0], &ends[1]);
    assert_eq!(
        by_producer[4..8],
        ["orders", &*committed, "null", "order-1"]
    );
    assert_eq!(
        by_producer[9..],
        ["2", &*committed, "COMMIT_MESSAGE", "false"]
    );
    assert_eq!(by_checker[9..], ["2", &*left, "ROLLBACK_MESSAGE", "true"]);
    assert_eq!(by_producer[8], by_checker[8], "the broker");
    cluster.end([], [client]).await;
}

/// Without `autoCreateTopicEnable` the trace topic of the producer is nowhere.
#[tokio::test]
async fn a_trace_topic_that_is_refused_holds_no_message_back() {
    let cluster = Cluster::with(&["autoCreateTopicEnable=false"]).await;
    let client = cluster.client();
    let orders = topic("orders");
    client.create_topic(&orders, 1).await.unwrap();
    let producer = traced(&client, to("nowhere"));

    for _ in 0..20 {
        producer
            .send(message(&orders, "x"))
            .await
            .map(drop)
            .unwrap();
    }
    producer.shutdown(LIMIT).await.unwrap();

    assert_eq!(cluster.everything(&orders).await.len(), 20);
    assert_eq!(client.lost_traces(), 20);
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn a_broker_that_wants_no_traces_gets_none() {
    let cluster = Cluster::with(&["traceOn=false"]).await;
    let client = cluster.client();
    let orders = topic("orders");
    let producer = traced(&client, TraceSettings::default());
    let seen = Seen::default();
    let mut config = from_the_beginning("shop");
    config.trace = Some(TraceSettings::default());

    producer
        .send(message(&orders, "x"))
        .await
        .map(drop)
        .unwrap();
    let consumer = client.push_consumer(config).subscribe(orders, "*");
    let consumer = consumer.start(done(&seen)).await.unwrap();
    eventually("it was done", || seen.count() == 1).await;
    consumer.shutdown(LIMIT).await.unwrap();
    producer.shutdown(LIMIT).await.unwrap();

    let traces = TraceSettings::default().topic;
    assert!(cluster.everything(&traces).await.is_empty());
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn a_record_waits_for_others_no_longer_than_it_is_told() {
    let cluster = Cluster::start().await;
    let clock = Clock::manual(1_800_000_000_000);
    let client = cluster.client_by(&clock);
    let orders = topic("orders");
    let producer = traced(&client, TraceSettings::default());
    producer
        .send(message(&orders, "x"))
        .await
        .map(drop)
        .unwrap();
    let traces = TraceSettings::default().topic;
    assert!(cluster.everything(&traces).await.is_empty());

    clock.advance(Duration::from_secs(5)).await;

    until_stored(&cluster, &traces, 1).await;
    for _ in 0..10 {
        producer
            .send(message(&orders, "x"))
            .await
            .map(drop)
            .unwrap();
    }
    until_stored(&cluster, &traces, 2).await;
    cluster.end([], [client]).await;
}

async fn until_stored(cluster: &Cluster, topic: &TopicName, count: usize) {
    let clock = Clock::system();
    let begun = clock.moment();
    while cluster.everything(topic).await.len() < count {
        assert!(clock.moment().since(begun) < 4 * LIMIT, "not stored");
        clock.sleep(Duration::from_millis(5)).await;
    }
}

fn again() -> Outcome {
    Outcome::Later {
        delay_level: 1,
        reason: None,
    }
}

fn column<'a>(records: &[&'a [String]], index: usize) -> Vec<&'a str> {
    records.iter().map(|fields| &*fields[index]).collect()
}
