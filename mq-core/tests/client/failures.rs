//! Brokers and name servers that go away and come back.

use std::time::Duration;

use mq_core::client::{Client, ConsumerConfig, Producer, PushConsumer};
use mq_core::clock::Clock;
use mq_core::message::TopicName;

use crate::cluster::{
    Cluster, LIMIT, eventually, from_the_beginning, group, message, producer, send_all, topic,
};
use crate::listeners::{Seen, done};

/// A consumer that had its first message, before anything goes away.
struct Scene {
    cluster: Cluster,
    client: Client,
    topic: TopicName,
    producer: Producer,
    seen: Seen,
    consumer: PushConsumer,
}

impl Scene {
    async fn of(name: &str, config: ConsumerConfig) -> Self {
        let cluster = Cluster::start().await;
        let client = cluster.client();
        let topic = topic(name);
        let producer = producer(&client);
        send_all(&producer, &topic, ["before"]).await;
        let seen = Seen::default();
        let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
        let consumer = consumer.start(done(&seen)).await.unwrap();
        eventually("the first one is there", || seen.count() == 1).await;
        Self {
            cluster,
            client,
            topic,
            producer,
            seen,
            consumer,
        }
    }

    /// Client and consumer go; the cluster is left.
    async fn leave(self) -> Cluster {
        self.consumer.shutdown(LIMIT).await.unwrap();
        self.client.shutdown(LIMIT).await.unwrap();
        self.cluster
    }
}

#[tokio::test]
async fn when_the_broker_comes_back_everything_goes_on() {
    let mut scene = Scene::of("lasting", from_the_beginning("patient")).await;

    let port = scene.cluster.stop_broker().await;
    let lost = scene.producer.send(message(&scene.topic, "lost"));
    assert!(lost.await.is_err());
    scene.cluster.start_broker_again(port).await;

    send_all(&scene.producer, &scene.topic, ["after"]).await;
    eventually("the next one is there", || {
        scene.seen.bodies().contains(&"after".to_owned())
    })
    .await;
    scene.leave().await.stop().await;
}

#[tokio::test]
async fn without_name_servers_sends_and_consumption_go_on() {
    let scene = Scene::of("cached", ConsumerConfig::new(group("cached"))).await;

    scene.cluster.stop_names().await;
    send_all(&scene.producer, &scene.topic, ["after"]).await;

    eventually("the next one is there", || scene.seen.count() == 2).await;
    scene.leave().await.stop_broker().await;
}

#[tokio::test]
async fn a_broker_that_comes_back_elsewhere_is_found() {
    let mut scene = Scene::of("moving", from_the_beginning("follower")).await;

    // Its old port stays taken meanwhile.
    let old = scene.cluster.stop_broker().await;
    let _taken = std::net::TcpListener::bind(("127.0.0.1", old));
    scene.cluster.start_broker_again(0).await;

    let clock = Clock::system();
    let begun = clock.moment();
    while scene
        .producer
        .send(message(&scene.topic, "after"))
        .await
        .is_err()
    {
        assert!(clock.moment().since(begun) < LIMIT * 4, "not found");
        Clock::system().sleep(Duration::from_millis(50)).await;
    }
    eventually("the next one is there", || {
        scene.seen.bodies().contains(&"after".to_owned())
    })
    .await;
    scene.leave().await.stop().await;
}
