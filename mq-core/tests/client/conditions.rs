//! A consumer that selects by a condition over properties.

use mq_core::client::{StartError, SubscribeError};
use mq_core::message::subscription::SelectorType;
use mq_core::wire::ResponseCode;

use crate::cluster::{Cluster, LIMIT, eventually, from_the_beginning, message, producer, topic};
use crate::listeners::{Seen, done};

#[tokio::test]
async fn a_condition_lets_through_what_it_says_over_a_socket_and_within_the_process() {
    let cluster = Cluster::start().await;
    let (sender, over_socket, within) =
        (cluster.client(), cluster.client(), cluster.client_within());
    let orders = topic("orders");
    sender.create_topic(&orders, 2).await.unwrap();
    let mut consumers = Vec::new();
    for (client, name) in [(&over_socket, "far"), (&within, "near")] {
        let seen = Seen::default();
        let consumer = client.push_consumer(from_the_beginning(name)).subscribe_by(
            orders.clone(),
            SelectorType::Sql92,
            "total >= 100 AND region IN ('eu', 'us')",
        );
        consumers.push((consumer.start(done(&seen)).await.unwrap(), seen));
    }

    let sends = producer(&sender);
    for (body, total, region) in [
        ("cheap", "99", "eu"),
        ("far away", "500", "asia"),
        ("no number", "many", "eu"),
        ("dear", "100", "eu"),
        ("dearest", "1000", "us"),
    ] {
        let mut order = message(&orders, body);
        order.properties.set_user("total", total).unwrap();
        order.properties.set_user("region", region).unwrap();
        sends.send(order).await.unwrap();
    }

    for (consumer, seen) in consumers {
        eventually("both have come", || seen.count() == 2).await;
        assert_eq!(seen.sorted_bodies(), ["dear", "dearest"]);
        consumer.shutdown(LIMIT).await.unwrap();
    }
    cluster.end([], [sender, over_socket, within]).await;
}

#[tokio::test]
async fn a_consumer_does_not_start_with_a_condition_that_nobody_evaluates() {
    let cluster = Cluster::with(&["enablePropertyFilter=false"]).await;
    let client = cluster.client();
    let orders = topic("orders");
    client.create_topic(&orders, 1).await.unwrap();
    let start = async |condition: &'static str| {
        let consumer = client.push_consumer(from_the_beginning("g"));
        let consumer = consumer.subscribe_by(orders.clone(), SelectorType::Sql92, condition);
        consumer.start(done(&Seen::default())).await.unwrap_err()
    };

    let malformed = start("total > 'ten'").await;
    let switched_off = start("total > 10").await;

    assert!(matches!(
        malformed,
        StartError::Subscription(SubscribeError::Condition { .. })
    ));
    assert_eq!(
        malformed.to_string(),
        "the condition of the subscription of topic `orders` cannot be read: `>` compares numbers and \
         properties, not a text at byte 8"
    );
    let StartError::Subscription(SubscribeError::Refused { source, .. }) = &switched_off else {
        unreachable!("{switched_off}");
    };
    assert_eq!(source.code, ResponseCode::SYSTEM_ERROR);
    cluster.end([], [client]).await;
}
