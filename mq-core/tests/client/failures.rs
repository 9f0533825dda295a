//! Brokers and name servers that go away and come back.

use std::time::Duration;

use mq_core::client::ConsumerConfig;
use mq_core::clock::Clock;

use crate::cluster::{
    Cluster, LIMIT, eventually, from_the_beginning, group, message, producer, send_all, topic,
};
use crate::listeners::{Seen, done};

#[tokio::test]
async fn when_the_broker_comes_back_everything_goes_on() {
    let mut cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("lasting");
    let producer = producer(&client);
    send_all(&producer, &topic, ["before"]).await;
    let seen = Seen::default();
    let consumer = client
        .push_consumer(from_the_beginning("patient"))
        .subscribe(topic.clone(), "*");
    let consumer = consumer.start(done(&seen)).await.unwrap();
    eventually("the first one is there", || seen.count() == 1).await;

    let port = cluster.stop_broker().await;
    assert!(producer.send(message(&topic, "lost")).await.is_err());
    cluster.start_broker_again(port).await;

    send_all(&producer, &topic, ["after"]).await;
    eventually("the next one is there", || {
        seen.bodies().contains(&"after".to_owned())
    })
    .await;
    consumer.shutdown(LIMIT).await.unwrap();
    client.shutdown(LIMIT).await.unwrap();
    cluster.stop().await;
}

#[tokio::test]
async fn without_name_servers_sends_and_consumption_go_on() {
    let mut cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("cached");
    let producer = producer(&client);
    send_all(&producer, &topic, ["before"]).await;
    let seen = Seen::default();
    let consumer = client
        .push_consumer(ConsumerConfig::new(group("cached")))
        .subscribe(topic.clone(), "*");
    let consumer = consumer.start(done(&seen)).await.unwrap();
    eventually("the first one is there", || seen.count() == 1).await;

    cluster.stop_names().await;
    send_all(&producer, &topic, ["after"]).await;

    eventually("the next one is there", || seen.count() == 2).await;
    consumer.shutdown(LIMIT).await.unwrap();
    client.shutdown(LIMIT).await.unwrap();
    cluster.stop_broker().await;
}

#[tokio::test]
async fn a_broker_that_comes_back_elsewhere_is_found() {
    let mut cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("moving");
    let producer = producer(&client);
    send_all(&producer, &topic, ["before"]).await;
    let seen = Seen::default();
    let consumer = client
        .push_consumer(from_the_beginning("follower"))
        .subscribe(topic.clone(), "*");
    let consumer = consumer.start(done(&seen)).await.unwrap();
    eventually("the first one is there", || seen.count() == 1).await;

    // Its old port stays taken meanwhile.
    let old = cluster.stop_broker().await;
    let _taken = std::net::TcpListener::bind(("127.0.0.1", old));
    cluster.start_broker_again(0).await;

    let clock = Clock::system();
    let begun = clock.moment();
    while producer.send(message(&topic, "after")).await.is_err() {
        assert!(clock.moment().since(begun) < LIMIT * 4, "not found");
        Clock::system().sleep(Duration::from_millis(50)).await;
    }
    eventually("the next one is there", || {
        seen.bodies().contains(&"after".to_owned())
    })
    .await;
    consumer.shutdown(LIMIT).await.unwrap();
    client.shutdown(LIMIT).await.unwrap();
    cluster.stop().await;
}
