//! Name server, broker and programs in one process, without a single socket.

use std::sync::Arc;
use std::time::Duration;

use mq_core::broker::config::BrokerConfig;
use mq_core::client::{
    Client, ClientConfig, ConsumerConfig, ProducerConfig, PushConsumer, SendStatus,
};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, Message, TopicName};
use mq_core::namesrv::NamesrvConfig;
use mq_core::node::Node;
use mq_core::store::disk::MemoryDisk;
use mq_tests::{Inbox, eventually};

const TOPIC: &str = "order-topic";
const LIMIT: Duration = Duration::from_secs(10);

/// Nobody listens, so whoever tried a socket would fail.
async fn start() -> Node {
    let mut config = BrokerConfig::default();
    config.storage.segment_size = 1024 * 1024;
    let node = Node::builder()
        .name_server(NamesrvConfig::default())
        .broker(config)
        .disk(Arc::new(MemoryDisk::default()))
        .within_process();
    node.start().await.unwrap()
}

fn client(node: &Node) -> Client {
    let (name_server, _way) = node.within().next().unwrap();
    let client = Client::new(ClientConfig::new([name_server]), Clock::system()).unwrap();
    for (address, way) in node.within() {
        client.attach(address, &way);
    }
    client
}

async fn consumer(client: &Client, inbox: &Inbox) -> PushConsumer {
    client
        .push_consumer(ConsumerConfig::new(GroupName::new("shop").unwrap()))
        .subscribe(TopicName::new(TOPIC).unwrap(), "*")
        .start(inbox.clone())
        .await
        .unwrap()
}

/// Queues of the topic itself: the one of the group's retry topic goes to one of them.
fn queues(consumer: &PushConsumer) -> usize {
    let queues = consumer.assignment().into_iter();
    queues.filter(|queue| queue.topic.as_str() == TOPIC).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_go_their_way_and_consumers_share_their_queues_at_once() {
    let node = start().await;
    let (first, second) = (client(&node), client(&node));
    let group = GroupName::new("shop-order").unwrap();
    let producer = first.producer(ProducerConfig::new(group)).unwrap();
    let send = async |body: String| {
        let message = Message::new(TopicName::new(TOPIC).unwrap(), body);
        let sent = producer.send(message).await.unwrap();
        assert_eq!(sent.status, SendStatus::Ok);
    };
    send("made the topic".to_owned()).await;

    let inbox = Inbox::default();
    let one = consumer(&first, &inbox).await;
    eventually("one consumer has all queues", async || queues(&one) == 4).await;
    let other = consumer(&second, &inbox).await;
    let clock = Clock::system();
    let begun = clock.moment();
    eventually("both have half", async || {
        queues(&one) == 2 && queues(&other) == 2
    })
    .await;
    let waited = clock.moment().since(begun);
    assert!(
        waited < LIMIT,
        "the broker tells its consumers at once, not after {waited:?}"
    );
    for number in 0..100 {
        send(number.to_string()).await;
    }

    eventually("every message", async || inbox.distinct().len() == 101).await;
    for consumer in [one, other] {
        consumer.shutdown(LIMIT).await.unwrap();
    }
    for client in [first, second] {
        client.shutdown(LIMIT).await.unwrap();
    }
    node.stop(LIMIT).await.unwrap();
}
