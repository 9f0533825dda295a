//! A name server and a broker on ports that the system picks; the broker's disk is memory, so a
//! broker that starts again finds what it had.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mq_core::broker::Broker;
use mq_core::broker::config::BrokerConfig;
use mq_core::client::{
    Client, ClientConfig, ConsumerConfig, Producer, ProducerConfig, PushConsumer,
};
use mq_core::clock::Clock;
use mq_core::message::record::decode_all;
use mq_core::message::{GroupName, Message, MessageExt, TopicName};
use mq_core::namesrv::NamesrvConfig;
use mq_core::node::Node;
use mq_core::remoting::{CallError, RemotingClient, Router};
use mq_core::settings::Setting;
use mq_core::store::disk::{MemoryDisk, SmallFiles};
use mq_core::tasks::Tasks;
use mq_core::wire::header::{InvokeBrokerToResetOffset, PullMessage, QueryConsumerOffset};
use mq_core::wire::{Reply, Request};

pub(crate) const LIMIT: Duration = Duration::from_secs(5);
/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Cluster {
    names: Node,
    names_at: String,
    disk: MemoryDisk,
    settings: Vec<String>,
    clock: Clock,
    broker: Option<Running>,
}

struct Running {
    node: Node,
    /// What the tests ask with.
    remoting: RemotingClient,
    tasks: Tasks,
}

pub(crate) fn topic(name: &str) -> TopicName {
    TopicName::new(name.to_owned()).unwrap()
}

pub(crate) fn group(name: &str) -> GroupName {
    GroupName::new(name.to_owned()).unwrap()
}

pub(crate) fn message(topic: &TopicName, body: impl Into<String>) -> Message {
    Message::new(topic.clone(), body.into())
}

/// Settings of a consumer that begins at the first message.
pub(crate) fn from_the_beginning(name: &str) -> ConsumerConfig {
    let mut config = ConsumerConfig::new(group(name));
    config.start_from = mq_core::client::StartFrom::FirstOffset;
    config
}

/// Waits until `condition` holds.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let clock = Clock::system();
    let begun = clock.moment();
    while !condition() {
        let waited = clock.moment().since(begun);
        assert!(waited < PATIENCE, "not within {PATIENCE:?}: {what}");
        clock.sleep(Duration::from_millis(5)).await;
    }
}

/// Moves a clock on until `condition` holds.
pub(crate) async fn in_time(clock: &Clock, what: &str, mut condition: impl FnMut() -> bool) {
    let system = Clock::system();
    let begun = system.moment();
    while !condition() {
        let waited = system.moment().since(begun);
        assert!(waited < PATIENCE, "not within {PATIENCE:?}: {what}");
        clock.advance(Duration::from_millis(100)).await;
        system.sleep(Duration::from_millis(5)).await;
    }
}

impl Cluster {
    /// Delay levels are short, so that what comes again comes soon.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(settings: &[&str]) -> Self {
        Self::with_clock(settings, Clock::system()).await
    }

    /// The broker's time is that of `clock`.
    pub(crate) async fn by(clock: &Clock) -> Self {
        Self::with_clock(&[], clock.clone()).await
    }

    async fn with_clock(settings: &[&str], clock: Clock) -> Self {
        let config = NamesrvConfig {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            ..NamesrvConfig::default()
        };
        let names = Node::builder().name_server(config).start().await.unwrap();
        let usual = [
            "brokerName=broker-a",
            "defaultTopicQueueNums=4",
            "mappedFileSizeCommitLog=16777216",
            "messageDelayLevel=1s 1s 1s 1s 1s 1s",
        ];
        let words = usual.iter().chain(settings);
        let mut cluster = Self {
            names_at: names.name_server().unwrap().from_here().to_string(),
            names,
            disk: MemoryDisk::default(),
            settings: words.map(|&word| word.to_owned()).collect(),
            clock,
            broker: None,
        };
        cluster.start_broker(0).await;
        cluster
    }

    async fn start_broker(&mut self, port: u16) {
        let node = self.node(&self.settings, port, self.disk.clone()).await;
        let tasks = Tasks::new(Clock::system());
        let router = Arc::new(Router::default());
        let remoting = mq_core::remoting::RemotingClientConfig::default();
        let remoting = RemotingClient::new(remoting, router, Clock::system(), tasks.clone());
        self.broker = Some(Running {
            node,
            remoting,
            tasks,
        });
    }

    async fn node<S: AsRef<str>>(&self, settings: &[S], port: u16, disk: MemoryDisk) -> Node {
        let words = settings
            .iter()
            .map(|word| Setting::from_word(word.as_ref()));
        let settings = words.collect::<Result<Vec<_>, _>>().unwrap();
        let (mut config, _warnings) = BrokerConfig::from_settings(settings).unwrap();
        config.network.name_servers = vec![self.names_at.clone()];
        config.network.bind = Ipv4Addr::LOCALHOST.into();
        config.network.port = port;
        let node = Node::builder().broker(config).clock(self.clock.clone());
        node.disk(Arc::new(disk)).start().await.unwrap()
    }

    /// Another broker of the same name server, with a name and settings of its own.
    pub(crate) async fn another_broker(&self, settings: &[&str]) -> Node {
        let usual = ["mappedFileSizeCommitLog=16777216"];
        let settings = [&usual, settings].concat();
        self.node(&settings, 0, MemoryDisk::default()).await
    }

    /// A client over sockets.
    pub(crate) fn client(&self) -> Client {
        Client::new(ClientConfig::new([self.names_at.clone()]), Clock::system()).unwrap()
    }

    /// A client over sockets with a clock of its own.
    pub(crate) fn client_by(&self, clock: &Clock) -> Client {
        Client::new(ClientConfig::new([self.names_at.clone()]), clock.clone()).unwrap()
    }

    /// A client within the process.
    pub(crate) fn client_within(&self) -> Client {
        let client = self.client();
        for node in [&self.names, &self.running().node] {
            for (address, way) in node.within() {
                client.attach(address, &way);
            }
        }
        client
    }

    pub(crate) fn names_at(&self) -> &str {
        &self.names_at
    }

    fn running(&self) -> &Running {
        self.broker.as_ref().unwrap()
    }

    fn broker(&self) -> &Broker {
        self.running().node.broker().unwrap()
    }

    /// How many pulls wait at the broker.
    pub(crate) fn waiting_pulls(&self) -> usize {
        self.broker().waiting_pulls()
    }

    pub(crate) fn remoting(&self) -> RemotingClient {
        self.running().remoting.clone()
    }

    /// Asks the broker for what a client has no method for.
    pub(crate) async fn ask<R: Request>(
        &self,
        header: R,
        body: Bytes,
    ) -> Result<Reply<R::Reply>, CallError> {
        let address = &self.broker().advertised().text;
        let remoting = &self.running().remoting;
        remoting.call(address, header, body, LIMIT).await
    }

    /// Sends `group` to `offset` in a queue of `topic`.
    pub(crate) async fn reset(
        &self,
        topic: &TopicName,
        group: &GroupName,
        queue: i32,
        offset: i64,
    ) -> Result<(), CallError> {
        let request = InvokeBrokerToResetOffset {
            topic: topic.to_text(),
            group: group.to_text(),
            queue_id: Some(queue),
            offset: Some(offset),
            timestamp: -1,
            is_force: true,
        };
        self.ask(request, Bytes::new()).await.map(drop)
    }

    /// How far `group` is in the first queue of `topic`; 0 when nobody has told.
    pub(crate) async fn committed(&self, group: &GroupName, topic: &TopicName) -> i64 {
        let header = QueryConsumerOffset {
            consumer_group: group.to_text(),
            topic: topic.to_text(),
            queue_id: 0,
            set_zero_if_not_found: None,
        };
        let reply = self.ask(header, Bytes::new()).await;
        reply.map_or(0, |reply| reply.header.offset)
    }

    /// Ends the consumer, which reports how far it is: to this offset of the first queue of `topic`.
    pub(crate) async fn ends_at(&self, consumer: PushConsumer, topic: &TopicName, offset: i64) {
        consumer.shutdown(LIMIT).await.unwrap();
        assert_eq!(self.committed(consumer.group(), topic).await, offset);
    }

    /// The first messages of the first queue of `topic`; none when there is no such topic.
    pub(crate) async fn everything(&self, topic: &TopicName) -> Vec<MessageExt> {
        let header = PullMessage {
            consumer_group: "everybody".into(),
            topic: topic.to_text(),
            max_msg_nums: 32,
            sys_flag: PullMessage::SUBSCRIPTION,
            subscription: Some("*".into()),
            ..PullMessage::default()
        };
        let reply = self.ask(header, Bytes::new()).await;
        reply.map_or_else(|_none| Vec::new(), |reply| decode_all(reply.body).unwrap())
    }

    /// Stops the broker; gives its port.
    pub(crate) async fn stop_broker(&mut self) -> u16 {
        let port = self.broker().advertised().socket.port();
        let running = self.broker.take().unwrap();
        running.node.stop(LIMIT).await.unwrap();
        running.tasks.stop(LIMIT).await.unwrap();
        port
    }

    /// Starts the broker again, with what it had.
    pub(crate) async fn start_broker_again(&mut self, port: u16) {
        self.start_broker(port).await;
    }

    /// Changes the first byte of a message's body in the log, while the broker is away.
    pub(crate) fn damage(&self, message: &MessageExt) {
        const BODY: usize = 88;
        let root = BrokerConfig::default().storage.root;
        let path = root.join("commitlog").join("0".repeat(20));
        let mut log = self.disk.read(&path).unwrap().unwrap().to_vec();
        let at = usize::try_from(message.physical_offset.0).unwrap() + BODY;
        assert_eq!(log[at], message.message.body[0]);
        log[at] ^= 0x55;
        self.disk.write(&path, &log).unwrap();
    }

    /// The broker has this setting when it starts again.
    pub(crate) fn set(&mut self, setting: &str) {
        self.settings.push(setting.to_owned());
    }

    pub(crate) async fn stop_names(&self) {
        self.names.stop(LIMIT).await.unwrap();
    }

    /// Ends the consumers, then the clients, and then what they spoke to.
    pub(crate) async fn end(
        self,
        consumers: impl IntoIterator<Item = PushConsumer>,
        clients: impl IntoIterator<Item = Client>,
    ) {
        for consumer in consumers {
            consumer.shutdown(LIMIT).await.unwrap();
        }
        for client in clients {
            client.shutdown(LIMIT).await.unwrap();
        }
        self.stop().await;
    }

    pub(crate) async fn stop(mut self) {
        self.stop_broker().await;
        self.stop_names().await;
    }
}

pub(crate) fn producer(client: &Client) -> Producer {
    client
        .producer(ProducerConfig::new(group("test-producer")))
        .unwrap()
}

/// Sends the bodies one after the other.
pub(crate) async fn send_all<B: Into<String>>(
    producer: &Producer,
    topic: &TopicName,
    bodies: impl IntoIterator<Item = B>,
) {
    for body in bodies {
        producer.send(message(topic, body)).await.map(drop).unwrap();
    }
}

/// A new topic of one queue with these messages, and who sent them.
pub(crate) async fn one_queue_of<B: Into<String>>(
    client: &Client,
    name: &str,
    bodies: impl IntoIterator<Item = B>,
) -> (TopicName, Producer) {
    let (topic, producer) = (topic(name), producer(client));
    client.create_topic(&topic, 1).await.unwrap();
    send_all(&producer, &topic, bodies).await;
    (topic, producer)
}
