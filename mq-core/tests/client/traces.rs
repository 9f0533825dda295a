//! Message trace: what producers, transactions and consumers leave in it, and what happens to messages
//! when it cannot be written.

use std::sync::Arc;
use std::time::Duration;

use mq_core::client::{
    Client, ConsumerConfig, LitePullConfig, OrderlyOutcome, Outcome, Producer, ProducerConfig,
    PushConsumerBuilder, StartFrom, Target, TraceSettings, TransactionState,
};
use mq_core::clock::Clock;
use mq_core::message::{MessageExt, TopicName, property};
use tokio::sync::Semaphore;
use tracing::Level;

use crate::cluster::{
    Cluster, LIMIT, eventually, from_the_beginning, group, message, producer, send_all, topic,
};
use crate::lines::Lines;
use crate::listeners::{Each, Gate, InOrder, Seen, done};
use crate::transactions::{SOON, Says};

fn to(name: &str) -> TraceSettings {
    TraceSettings { topic: topic(name) }
}

fn traced(client: &Client, trace: TraceSettings) -> Producer {
    let mut config = ProducerConfig::new(group("shop-order"));
    config.trace = Some(trace);
    client.producer(config).unwrap()
}

/// A cluster whose topic `my-traces` is for traces, and a client of it.
struct TracedCluster {
    cluster: Cluster,
    client: Client,
    orders: TopicName,
}

impl TracedCluster {
    async fn start() -> Self {
        Self::of(Cluster::start().await).await
    }

    async fn of(cluster: Cluster) -> Self {
        let client = cluster.client();
        client.create_topic(&topic("my-traces"), 1).await.unwrap();
        Self {
            cluster,
            client,
            orders: topic("orders"),
        }
    }

    /// As [`start`](Self::start), with an order that waits for a consumer.
    async fn with_an_order() -> Self {
        let traced = Self::start().await;
        send_all(&producer(&traced.client), &traced.orders, ["one coffee"]).await;
        traced
    }

    /// A consumer that is traced, and begins at the first message.
    fn consumer(&self, change: impl FnOnce(&mut ConsumerConfig)) -> PushConsumerBuilder {
        let mut config = from_the_beginning("shop");
        config.trace = Some(to("my-traces"));
        change(&mut config);
        let consumer = self.client.push_consumer(config);
        consumer.subscribe(self.orders.clone(), "*")
    }

    async fn records(&self) -> Vec<Vec<String>> {
        records(&self.cluster, &topic("my-traces")).await
    }

    async fn end(self) {
        self.cluster.end([], [self.client]).await;
    }
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
    let traced = TracedCluster::with_an_order().await;
    let seen = Seen::default();
    let outcome = |delivery: &MessageExt| match delivery.reconsume_times {
        0 => again(),
        _ => Outcome::Done,
    };

    let consumer = traced.consumer(|_| {});
    let consumer = consumer.start(Each(seen.clone(), outcome)).await.unwrap();
    eventually("it was done", || seen.count() == 2).await;
    consumer.shutdown(LIMIT).await.unwrap();

    let records = traced.records().await;
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
    traced.end().await;
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_traced_as_that() {
    let traced = TracedCluster::with_an_order().await;
    let seen = Seen::default();
    let slow = |_: &MessageExt| {
        std::thread::sleep(Duration::from_millis(5));
        Outcome::Done
    };

    let consumer = traced.consumer(|config| config.consume_timeout = Duration::from_millis(1));
    let consumer = consumer.start(Each(seen.clone(), slow)).await.unwrap();
    eventually("it was done", || seen.count() > 0).await;
    consumer.shutdown(LIMIT).await.unwrap();

    let records = traced.records().await;
    let after = of_type(&records, "SubAfter");
    assert_eq!((&*after[0][4], &*after[0][6]), ("true", "1"), "TIME_OUT");
    traced.end().await;
}

#[tokio::test]
async fn what_a_poll_hands_over_is_traced_as_consumed() {
    let traced = TracedCluster::with_an_order().await;
    let mut config = LitePullConfig::new(group("report"));
    config.start_from = StartFrom::FirstOffset;
    config.trace = Some(to("my-traces"));

    let consumer = traced.client.lite_pull_consumer(config);
    let consumer = consumer.subscribe(traced.orders.clone(), "*");
    let consumer = consumer.start().await.unwrap();
    let polled = consumer.poll(LIMIT).await.unwrap();
    consumer.shutdown(LIMIT).await.unwrap();

    let records = traced.records().await;
    let id = polled[0].message_id();
    let [before, after] = &records[..] else {
        panic!("{records:?}");
    };
    assert_eq!((&*before[0], &before[5]), ("SubBefore", &id));
    assert_eq!(
        (&*after[0], &after[2], &*after[4]),
        ("SubAfter", &id, "true")
    );
    traced.end().await;
}

#[tokio::test]
async fn the_end_of_a_transaction_is_traced_whoever_says_it() {
    let cluster = TracedCluster::of(Cluster::with(&SOON).await).await;
    let orders = cluster.orders.clone();
    let producer = traced(&cluster.client, to("my-traces"));
    let says = Says::new(TransactionState::Rollback);
    let mut keyed = message(&orders, "committed");
    keyed.properties.set(property::KEYS, "order-1");

    let open = producer.begin(keyed).await.unwrap();
    let committed = open.commit().await.unwrap().message_id;
    producer.answer_checks(says.clone());
    let left = producer.begin(message(&orders, "left")).await.unwrap();
    let left = left.half().message_id.clone();
    eventually("it was asked about", || says.was_asked_about(&left)).await;
    producer.shutdown(LIMIT).await.unwrap();

    let records = cluster.records().await;
    let sent = of_type(&records, "Pub");
    assert_eq!(column(&sent, 11), ["1", "1"], "half messages");
    // The broker may have asked about the other one before it had noted its end.
    let ends = of_type(&records, "EndTransaction");
    let end_of = |id: &str| ends.iter().find(|end| end[10] == id).unwrap();
    let (by_producer, by_checker) = (end_of(&committed), end_of(&left));
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
    cluster.end().await;
}

/// It was traced as a failure that the listener had returned.
#[tokio::test]
async fn a_panic_is_traced_as_an_exception_however_long_the_call_took() {
    let traced = TracedCluster::with_an_order().await;
    let panics_once = |seen: &Seen| {
        let seen = seen.clone();
        move |message: &MessageExt| {
            seen.add(vec![message.clone()]);
            assert!(seen.count() > 1, "as told");
        }
    };
    let seen = Seen::default();
    let handle = panics_once(&seen);
    let listener = Each(Seen::default(), move |message: &MessageExt| {
        handle(message);
        Outcome::Done
    });
    let consumer = traced.consumer(|_| {}).start(listener).await.unwrap();
    eventually("it was done", || seen.count() == 2).await;
    consumer.shutdown(LIMIT).await.unwrap();
    let seen = Seen::default();
    let handle = panics_once(&seen);
    let listener = InOrder(Seen::default(), move |message: &MessageExt| {
        std::thread::sleep(Duration::from_millis(5));
        handle(message);
        OrderlyOutcome::Done
    });
    let consumer = traced.consumer(|config| {
        config.group = group("in-order");
        config.consume_timeout = Duration::from_millis(1);
    });
    let consumer = consumer.start_orderly(listener).await.unwrap();
    eventually("it was done in order", || seen.count() == 2).await;
    consumer.shutdown(LIMIT).await.unwrap();

    let records = traced.records().await;
    let after = of_type(&records, "SubAfter");
    assert_eq!(column(&after, 4), ["false", "true", "false", "true"]);
    let said = "EXCEPTION and SUCCESS, EXCEPTION and TIME_OUT";
    assert_eq!(column(&after, 6), ["2", "0", "2", "1"], "{said}");
    traced.end().await;
}

/// The joined ids were one key, which no broker takes.
#[tokio::test]
async fn a_batch_of_thousands_leaves_a_trace_that_is_found_by_the_id_of_its_first_message() {
    let cluster = TracedCluster::start().await;
    let producer = traced(&cluster.client, to("my-traces"));
    let batch = (0..3000).map(|_| message(&cluster.orders, "x")).collect();

    let sent = producer.send_batch(batch).await.unwrap();
    producer.shutdown(LIMIT).await.unwrap();

    assert_eq!(cluster.client.lost_traces(), 0);
    let ids: Vec<_> = sent.message_id.split(',').collect();
    assert_eq!(ids.len(), 3000);
    let admin = cluster.client.admin();
    let (traces, now_ms) = (topic("my-traces"), Clock::system().now_ms());
    let found = admin.messages_by_key(&traces, ids[0], 0..=now_ms).await;
    assert_eq!(found.unwrap().value.len(), 1);
    cluster.end().await;
}

/// Each was told as `lost=1`, as if something were wrong with the trace topic.
#[tokio::test]
async fn a_call_that_outlasts_the_shutdown_is_no_warning_of_lost_traces() {
    let (lines, _listening) = Lines::listen("mq_core::client");
    let traced = TracedCluster::with_an_order().await;
    let (seen, gate) = (Seen::default(), Arc::new(Semaphore::new(0)));
    let consumer = traced.consumer(|_| {});
    let consumer = consumer.start(Gate(seen.clone(), Arc::clone(&gate)));
    let consumer = consumer.await.unwrap();
    eventually("the call has begun", || seen.count() == 1).await;

    let late = consumer
        .shutdown_with(Duration::from_millis(20), LIMIT)
        .await;
    assert!(late.unwrap_err().0.contains(&"listener"));
    gate.add_permits(1);

    let lost = || traced.client.lost_traces() == 1;
    eventually("the call has ended", lost).await;
    assert_eq!(lines.count(Level::WARN, "traces"), 0);
    traced.end().await;
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
