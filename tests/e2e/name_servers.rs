//! Name servers come and go; messages go on.

use std::time::Duration;

use mq_core::client::{
    Client, ClientConfig, ConsumerConfig, Producer, ProducerConfig, PushConsumer, SendError,
};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, Message, TopicName};
use mq_tests::{Inbox, NameServers, TestBroker, eventually};

const TOPIC: &str = "order-topic";
const LIMIT: Duration = Duration::from_secs(10);

/// A program of its own: connections, a producer and a consumer.
struct Program {
    client: Client,
    producer: Producer,
    consumer: PushConsumer,
    inbox: Inbox,
}

impl Program {
    async fn start(name_servers: Vec<String>, group: &str) -> Self {
        let client = Client::new(ClientConfig::new(name_servers), Clock::system()).unwrap();
        let group = GroupName::new(group).unwrap();
        let producer = client.producer(ProducerConfig::new(group.clone())).unwrap();
        let inbox = Inbox::default();
        let consumer = client
            .push_consumer(ConsumerConfig::new(group))
            .subscribe(TopicName::new(TOPIC).unwrap(), "*")
            .start(inbox.clone())
            .await
            .unwrap();
        Self {
            client,
            producer,
            consumer,
            inbox,
        }
    }

    async fn send(&self, body: &'static str) -> Result<(), SendError> {
        let message = Message::new(TopicName::new(TOPIC).unwrap(), body);
        self.producer.send(message).await.map(drop)
    }

    async fn sends_and_receives(&self, body: &'static str) {
        self.send(body).await.unwrap();
        self.receives(body).await;
    }

    async fn receives(&self, body: &str) {
        eventually(body, async || self.inbox.distinct().contains(body)).await;
    }

    async fn stop(self) {
        self.consumer.shutdown(LIMIT).await.unwrap();
        self.client.shutdown(LIMIT).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_and_consumption_outlive_all_name_servers_and_newcomers_find_their_way_later() {
    let mut name_servers = NameServers::start(2).await;
    let addresses = name_servers.addresses();
    let broker = TestBroker::start(addresses.clone()).await;
    let program = Program::start(addresses.clone(), "program").await;
    program.sends_and_receives("with both").await;

    name_servers.stop(0).await;
    program.sends_and_receives("with one").await;
    name_servers.stop(1).await;
    program.sends_and_receives("with none").await;
    let lost = Program::start(addresses.clone(), "lost").await;
    assert!(lost.send("nobody knows where to").await.is_err());

    name_servers.restart(0).await;
    name_servers.restart(1).await;
    for (group, address) in ["newcomer-0", "newcomer-1"].into_iter().zip(&addresses) {
        let newcomer = Program::start(vec![address.clone()], group).await;
        eventually("each name server knows the broker again", async || {
            newcomer.send(group).await.is_ok()
        })
        .await;
        newcomer.receives(group).await;
        program.receives(group).await;
        newcomer.stop().await;
    }
    eventually("whoever was lost finds its way", async || {
        lost.send("at last").await.is_ok()
    })
    .await;
    program.receives("at last").await;

    lost.stop().await;
    program.stop().await;
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_starts_although_the_first_name_server_is_away() {
    let mut name_servers = NameServers::start(2).await;
    let addresses = name_servers.addresses();
    name_servers.stop(0).await;
    let broker = TestBroker::start(addresses.clone()).await;

    let program = Program::start(addresses, "program").await;

    program.sends_and_receives("by the second").await;
    program.stop().await;
    broker.stop().await;
}
