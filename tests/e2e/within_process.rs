//! Name server, broker and programs in one process, without a single socket.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mq_core::broker::config::BrokerConfig;
use mq_core::broker::{Advertised, Broker};
use mq_core::client::{
    Client, ClientConfig, ConsumerConfig, ProducerConfig, PushConsumer, SendStatus,
};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, Message, TopicName};
use mq_core::namesrv::{NameServer, NamesrvConfig};
use mq_core::remoting::{self, RemotingClient};
use mq_core::store::MessageStore;
use mq_core::store::disk::MemoryDisk;
use mq_core::tasks::Tasks;
use mq_tests::{Inbox, eventually};

const NAME_SERVER: &str = "the name server";
const TOPIC: &str = "order-topic";
const LIMIT: Duration = Duration::from_secs(10);

struct Servers {
    name_server: NameServer<()>,
    broker: Broker,
    broker_tasks: Tasks,
}

impl Servers {
    async fn start() -> Self {
        let clock = Clock::system();
        let name_server = NameServer::within(&NamesrvConfig::default(), clock.clone()).unwrap();
        let mut config = BrokerConfig::default();
        config.network.name_servers = vec![NAME_SERVER.to_owned()];
        config.storage.root = "/store".into();
        config.storage.segment_size = 1024 * 1024;
        let disk = Arc::new(MemoryDisk::default());
        let (store, _) = MessageStore::open(config.store(), disk, clock.clone()).unwrap();
        // Nobody listens there, so whoever tried a socket would fail.
        let socket = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let advertised = Advertised {
            text: socket.to_string(),
            socket,
        };
        let broker_tasks = Tasks::new(clock.clone());
        let client = RemotingClient::new(
            remoting::ClientConfig::default(),
            Arc::default(),
            clock.clone(),
            broker_tasks.clone(),
        );
        client.attach(NAME_SERVER, name_server.local());
        let broker = Broker::open(config, store, advertised, client, clock).unwrap();
        broker.start().await.unwrap();
        Self {
            name_server,
            broker,
            broker_tasks,
        }
    }

    fn client(&self) -> Client {
        let client = Client::new(ClientConfig::new([NAME_SERVER]), Clock::system()).unwrap();
        client.attach(NAME_SERVER, self.name_server.local());
        client.attach(&self.broker.advertised().text, &self.broker.local());
        client
    }

    async fn stop(self) {
        self.broker.stop(LIMIT).await.unwrap();
        self.broker_tasks.stop(LIMIT).await.unwrap();
        self.name_server.stop(LIMIT).await.unwrap();
    }
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
    let servers = Servers::start().await;
    let (first, second) = (servers.client(), servers.client());
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
    servers.stop().await;
}
