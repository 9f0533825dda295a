//! A lite pull consumer that runs subscribes to topics and leaves them.

use std::time::Duration;

use bytes::Bytes;
use mq_core::client::{Client, ErrorKind, LitePullConfig, LitePullConsumer, SubscribeError};
use mq_core::message::subscription::SelectorType;
use mq_core::message::{Message, MessageQueue, QueueOffset, TopicName};
use mq_core::wire::body::{ConsumerRunningInfo, ConsumerStatus};
use mq_core::wire::fastjson;
use mq_core::wire::header::{GetConsumerRunningInfo, InvokeBrokerToGetConsumerStatus};

use crate::cluster::{Cluster, LIMIT, eventually, group, producer, send_all, topic};

const BRIEF: Duration = Duration::from_millis(50);

/// A consumer of the group `shop` that subscribes to `topic`.
async fn reading(client: &Client, topic: &TopicName) -> LitePullConsumer {
    let mut config = LitePullConfig::new(group("shop"));
    config.start_from = mq_core::client::StartFrom::FirstOffset;
    let consumer = client.lite_pull_consumer(config);
    consumer
        .subscribe(topic.clone(), "*")
        .start()
        .await
        .unwrap()
}

/// The body of the next message, which is acknowledged.
async fn next(consumer: &LitePullConsumer) -> String {
    let mut deliveries = Vec::new();
    while deliveries.is_empty() {
        deliveries = consumer.receive(1, LIMIT).await.unwrap();
    }
    assert!(deliveries[0].ack());
    deliveries[0].message.text().unwrap().to_owned()
}

#[tokio::test]
async fn a_topic_is_read_once_it_is_subscribed_to() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let (orders, returns) = (topic("orders"), topic("returns"));
    for topic in [&orders, &returns] {
        client.create_topic(topic, 1).await.unwrap();
    }
    let producer = producer(&client);
    send_all(&producer, &orders, ["coffee"]).await;
    send_all(&producer, &returns, ["cup"]).await;
    let consumer = reading(&client, &orders).await;
    assert_eq!(next(&consumer).await, "coffee");

    let subscribed = consumer.subscribe(returns.clone(), SelectorType::Tag, "*");
    subscribed.await.unwrap();

    assert_eq!(next(&consumer).await, "cup");
    let shown = client.admin().group(&group("shop"), Some(&returns)).await;
    let subscriptions = shown.unwrap().value.subscriptions;
    let topics: Vec<_> = subscriptions.iter().map(|one| &*one.topic).collect();
    assert_eq!(topics, ["orders", "returns"]);
    consumer.shutdown(LIMIT).await.unwrap();
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn a_topic_that_is_left_goes_on_where_it_was_once_it_is_subscribed_to_again() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let orders = topic("orders");
    client.create_topic(&orders, 1).await.unwrap();
    let producer = producer(&client);
    send_all(&producer, &orders, ["a", "b"]).await;
    let consumer = reading(&client, &orders).await;
    assert_eq!(next(&consumer).await, "a");

    consumer.unsubscribe(&orders).await;

    assert!(consumer.assignment().is_empty());
    assert_eq!(cluster.committed(consumer.group(), &orders).await, 1);
    send_all(&producer, &orders, ["c"]).await;
    assert!(consumer.receive(8, BRIEF).await.unwrap().is_empty());
    let again = consumer.subscribe(orders.clone(), SelectorType::Tag, "*");
    again.await.unwrap();
    assert_eq!(next(&consumer).await, "b");
    assert_eq!(next(&consumer).await, "c");
    consumer.shutdown(LIMIT).await.unwrap();
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn another_expression_takes_the_place_of_the_one_before() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let orders = topic("orders");
    client.create_topic(&orders, 1).await.unwrap();
    let producer = producer(&client);
    let send = async |tag: &'static str| {
        let order = Message::new(orders.clone(), tag).with_tag(tag).unwrap();
        producer.send(order).await.map(drop).unwrap();
    };
    let consumer = reading(&client, &orders).await;
    send("paid").await;
    assert_eq!(next(&consumer).await, "paid");
    eventually("a pull waits", || cluster.waiting_pulls() == 1).await;

    let narrower = consumer.subscribe(orders.clone(), SelectorType::Tag, "sent");
    narrower.await.unwrap();
    // The pull that waits has the expression before.
    send("wakes it").await;
    assert_eq!(next(&consumer).await, "wakes it");
    send("paid").await;
    send("sent").await;

    assert_eq!(next(&consumer).await, "sent");
    consumer.shutdown(LIMIT).await.unwrap();
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn what_cannot_be_subscribed_to_leaves_the_subscriptions_as_they_were() {
    let cluster = Cluster::with(&["enablePropertyFilter=false"]).await;
    let client = cluster.client();
    let orders = topic("orders");
    client.create_topic(&orders, 1).await.unwrap();
    let consumer = reading(&client, &orders).await;
    let subscribe = async |selector, expression: &'static str| {
        let subscribed = consumer.subscribe(orders.clone(), selector, expression);
        subscribed.await.unwrap_err()
    };

    let no_tag = subscribe(SelectorType::Tag, "||").await;
    assert!(matches!(no_tag, SubscribeError::Tags { .. }), "{no_tag}");
    let malformed = subscribe(SelectorType::Sql92, "total > ").await;
    assert!(
        matches!(malformed, SubscribeError::Condition { .. }),
        "{malformed}"
    );
    let switched_off = subscribe(SelectorType::Sql92, "total > 1").await;
    assert_eq!(switched_off.kind(), ErrorKind::Refused);
    send_all(&producer(&client), &orders, ["without a tag"]).await;
    assert_eq!(next(&consumer).await, "without a tag");

    consumer.shutdown(LIMIT).await.unwrap();
    let late = subscribe(SelectorType::Tag, "*").await;
    assert!(matches!(late, SubscribeError::ShutDown), "{late}");
    consumer.unsubscribe(&orders).await;
    let chosen = client.lite_pull_consumer(group("shop"));
    let queue = MessageQueue::new(orders.clone(), "broker-a", 0);
    let chosen = chosen.start_with([queue]).await.unwrap();
    let both = chosen
        .subscribe(orders, SelectorType::Tag, "*")
        .await
        .unwrap_err();
    assert!(matches!(both, SubscribeError::QueuesChosen(_)), "{both}");
    chosen.shutdown(LIMIT).await.unwrap();
    cluster.end([], [client]).await;
}

/// As `DefaultLitePullConsumer`: its queues are in what it says of itself, and not in the answer to 221.
#[tokio::test]
async fn a_lite_pull_consumer_says_what_it_is_doing_when_a_broker_passes_the_question_on() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let orders = topic("orders");
    client.create_topic(&orders, 1).await.unwrap();
    send_all(&producer(&client), &orders, ["a", "b", "c"]).await;
    let consumer = reading(&client, &orders).await;
    assert_eq!(next(&consumer).await, "a");
    let queue = MessageQueue::new(orders.clone(), "broker-a", 0);
    assert_eq!(consumer.position(&queue), Some(QueueOffset(1)));

    let running = GetConsumerRunningInfo {
        consumer_group: "shop".into(),
        client_id: client.id().into(),
        jstack_enable: false,
    };
    let running = cluster.ask(running, Bytes::new()).await.unwrap();
    let running: ConsumerRunningInfo = fastjson::read(&running.body).unwrap();
    let kind = &running.properties[ConsumerRunningInfo::CONSUME_TYPE];
    assert_eq!(kind, "CONSUME_ACTIVELY");
    assert_eq!(running.subscription_set[0].topic, "orders");
    let progress = &running.mq_table[&queue];
    assert_eq!((progress.commit_offset, progress.cached_msg_count), (1, 2));
    let cached = (
        progress.cached_msg_min_offset,
        progress.cached_msg_max_offset,
    );
    assert_eq!(cached, (1, 2));

    let status = InvokeBrokerToGetConsumerStatus {
        topic: "orders".into(),
        group: "shop".into(),
        client_addr: None,
    };
    let status = cluster.ask(status, Bytes::new()).await.unwrap();
    let status: ConsumerStatus = fastjson::read(&status.body).unwrap();
    assert!(status.consumer_table[client.id()].is_empty());
    consumer.shutdown(LIMIT).await.unwrap();
    cluster.end([], [client]).await;
}
