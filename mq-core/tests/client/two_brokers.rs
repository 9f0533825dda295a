//! A cluster of two brokers, of which one is away for a moment.

use std::time::Duration;

use mq_core::client::{Client, Producer, SendError};
use mq_core::clock::Clock;
use mq_core::message::{MessageQueue, TopicName};
use mq_core::node::Node;

use crate::cluster::{Cluster, LIMIT, message, producer, topic};

const PATIENCE: Duration = Duration::from_secs(30);
const BOTH: [&str; 2] = ["broker-a", "broker-b"];

/// A producer that knows both brokers, and whose routes are refreshed by hand.
struct Scene {
    cluster: Cluster,
    other: Node,
    clock: Clock,
    client: Client,
    topic: TopicName,
    producer: Producer,
    /// By the system's clock.
    observer: Client,
}

impl Scene {
    async fn of(name: &str) -> Self {
        let cluster = Cluster::start().await;
        let other = cluster
            .another_broker(&["brokerName=broker-b", "defaultTopicQueueNums=4"])
            .await;
        let observer = cluster.client();
        let topic = topic(name);
        observer.create_topic(&topic, 1).await.unwrap();
        let clock = Clock::manual(Clock::system().now_ms());
        let client = cluster.client_by(&clock);
        let producer = producer(&client);
        let scene = Self {
            cluster,
            other,
            clock,
            client,
            topic,
            producer,
            observer,
        };
        assert_eq!(scene.known().await, BOTH);
        scene
    }

    /// The brokers that the producer knows.
    async fn known(&self) -> Vec<String> {
        let queues = self.producer.queues(&self.topic).await.unwrap();
        queues
            .iter()
            .map(|queue| queue.broker.to_string())
            .collect()
    }

    /// Moves the clock on until the producer knows these.
    async fn until_known(&self, brokers: &[&str]) {
        let system = Clock::system();
        let known = async {
            while self.known().await != brokers {
                self.clock.advance(Duration::from_millis(100)).await;
                system.sleep(Duration::from_millis(5)).await;
            }
        };
        system.timeout(PATIENCE, known).await.unwrap();
    }

    /// The first broker goes, a send to it fails, and the producer forgets it.
    async fn lose_the_first(&mut self) -> u16 {
        let port = self.cluster.stop_broker().await;
        let queue = MessageQueue::new(self.topic.clone(), "broker-a", 0);
        let lost = message(&self.topic, "lost");
        let lost = self.producer.send_to(lost, &queue).await;
        assert!(matches!(lost, Err(SendError::Broker { .. })), "{lost:?}");
        self.until_known(&["broker-b"]).await;
        port
    }

    /// The first broker is back, and the name server knows it.
    async fn bring_it_back(&mut self, port: u16) {
        self.cluster.start_broker_again(port).await;
        while self.observer.admin().brokers().await.unwrap().len() < 2 {
            Clock::system().sleep(Duration::from_millis(5)).await;
        }
    }

    async fn leave(self) {
        for client in [self.client, self.observer] {
            client.shutdown(LIMIT).await.unwrap();
        }
        self.other.stop(LIMIT).await.unwrap();
        self.cluster.stop().await;
    }
}

#[tokio::test]
async fn a_broker_that_comes_back_is_used_within_seconds() {
    let mut scene = Scene::of("soon").await;
    let port = scene.lose_the_first().await;
    scene.bring_it_back(port).await;
    let begun = scene.clock.moment();

    scene.until_known(&BOTH).await;

    let waited = scene.clock.moment().since(begun);
    assert!(waited < Duration::from_secs(10), "{waited:?}");
    scene.leave().await;
}

#[tokio::test]
async fn when_no_known_broker_answers_a_send_looks_for_others() {
    let mut scene = Scene::of("others").await;
    let port = scene.lose_the_first().await;
    scene.bring_it_back(port).await;
    scene.other.stop(LIMIT).await.unwrap();

    let sent = scene.producer.send(message(&scene.topic, "found")).await;

    assert_eq!(sent.unwrap().queue.broker, "broker-a");
    scene.leave().await;
}
