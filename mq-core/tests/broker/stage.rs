//! A broker that listens on a port of its own, and a client of it.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use mq_core::broker::Broker;
use mq_core::broker::config::BrokerConfig;
use mq_core::clock::Clock;
use mq_core::message::record::decode_all;
use mq_core::message::{MessageExt, Properties};
use mq_core::node::Node;
use mq_core::remoting::{
    CallError, Incoming, Processor, RemotingClient, RemotingClientConfig, Router,
};
use mq_core::store::StoreConfig;
use mq_core::store::disk::{Disk, MemoryDisk};
use mq_core::tasks::Tasks;
use mq_core::wire::body::{
    ConsumerData, HeartbeatData, MessageModel, ProducerData, SubscriptionData,
};
use mq_core::wire::header::{
    HeartBeat, NotifyConsumerIdsChanged, PullMessage, PullMessageReply, QueryConsumerOffset,
    SendMessage, SendMessageReply, UpdateAndCreateTopic, UpdateConsumerOffset,
};
use mq_core::wire::{NoFields, Refusal, Reply, Request, ResponseCode, fastjson};
use tokio::sync::mpsc;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);

/// A broker, and everything around it.
pub(crate) struct Stage {
    node: Node,
    pub(crate) address: String,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Clock,
    pub(crate) config: BrokerConfig,
    store: StoreConfig,
    tasks: Tasks,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(Clock::system(), |_| {}).await
    }

    pub(crate) async fn with(clock: Clock, change: impl FnOnce(&mut BrokerConfig)) -> Self {
        Self::on(Arc::new(MemoryDisk::default()), Self::config(change), clock).await
    }

    pub(crate) fn config(change: impl FnOnce(&mut BrokerConfig)) -> BrokerConfig {
        let mut config = BrokerConfig::default();
        config.storage.root = "/store".into();
        config.storage.segment_size = 1024 * 1024;
        config.identity.name = "broker-a".into();
        config.network.bind = Ipv4Addr::LOCALHOST.into();
        config.network.port = 0;
        change(&mut config);
        config
    }

    /// With a store that is told more than settings say.
    pub(crate) async fn with_store(
        change: impl FnOnce(&mut BrokerConfig),
        store: impl FnOnce(&BrokerConfig) -> StoreConfig,
    ) -> Self {
        let config = Self::config(change);
        let store = store(&config);
        let disk = Arc::new(MemoryDisk::default());
        Self::over(store, disk, config, Clock::system()).await
    }

    pub(crate) async fn on(disk: Arc<dyn Disk>, config: BrokerConfig, clock: Clock) -> Self {
        Self::over(config.store(), disk, config, clock).await
    }

    /// With a store that is told more than settings say, on this disk.
    pub(crate) async fn over(
        store: StoreConfig,
        disk: Arc<dyn Disk>,
        config: BrokerConfig,
        clock: Clock,
    ) -> Self {
        let node = Node::builder().broker(config.clone()).store(store.clone());
        let node = node.disk(Arc::clone(&disk)).clock(clock.clone());
        let node = node.start().await.unwrap();
        Self {
            address: node.broker().unwrap().advertised().text.clone(),
            node,
            disk,
            tasks: Tasks::new(clock.clone()),
            clock,
            config,
            store,
        }
    }

    pub(crate) fn broker(&self) -> &Broker {
        self.node.broker().unwrap()
    }

    /// Ends in order and starts again on the same disk.
    pub(crate) async fn restarted(self) -> Self {
        self.stop().await;
        let Self {
            node,
            disk,
            config,
            store,
            clock,
            ..
        } = self;
        // With it goes the lock on the store.
        drop(node);
        Self::over(store, disk, config, clock).await
    }

    pub(crate) async fn stop(&self) {
        self.node.stop(SECOND).await.unwrap();
        self.tasks.stop(SECOND).await.unwrap();
    }

    /// A change of a topic's permission: 4 for reading, 6 for writing too.
    pub(crate) fn permits(topic: &'static str, perm: i32) -> UpdateAndCreateTopic {
        UpdateAndCreateTopic {
            topic: topic.into(),
            read_queue_nums: 4,
            write_queue_nums: 4,
            perm,
            ..UpdateAndCreateTopic::default()
        }
    }

    /// Ends however it can, after the power went.
    pub(crate) async fn abandon(self) {
        drop(self.node.stop(SECOND).await);
        drop(self.tasks.stop(SECOND).await);
    }

    pub(crate) async fn until_a_pull_waits(&self) {
        eventually("a pull waits", || self.broker().waiting_pulls() > 0).await;
    }

    /// A client with a connection of its own.
    pub(crate) fn client(&self, id: &'static str) -> Client {
        Client::of(&self.node, &self.tasks, id)
    }
}

/// Waits for `condition`, whatever the clock of the stage says.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let clock = Clock::system();
    let begun = clock.moment();
    while !condition() {
        let waited = clock.moment().since(begun);
        assert!(waited < 10 * SECOND, "not within 10 s: {what}");
        tokio::task::yield_now().await;
    }
}

/// Somebody who has nothing to do with the broker.
pub(crate) fn stranger(clock: &Clock) -> Client {
    let remoting = client(clock, &Tasks::new(clock.clone()), Router::default());
    let (_, changes) = mpsc::unbounded_channel();
    Client {
        remoting,
        address: String::new(),
        id: "stranger",
        changes,
    }
}

fn client(clock: &Clock, tasks: &Tasks, router: Router) -> RemotingClient {
    let config = RemotingClientConfig::default();
    RemotingClient::new(config, Arc::new(router), clock.clone(), tasks.clone())
}

struct Listening(mpsc::UnboundedSender<ByteString>);

impl Processor<NotifyConsumerIdsChanged> for Listening {
    async fn process(
        &self,
        request: Incoming<NotifyConsumerIdsChanged>,
    ) -> Result<Reply<NoFields>, Refusal> {
        self.0.send(request.header.consumer_group).unwrap();
        Ok(Reply::ok(NoFields))
    }
}

/// A client of the broker.
pub(crate) struct Client {
    pub(crate) remoting: RemotingClient,
    pub(crate) address: String,
    pub(crate) id: &'static str,
    /// The groups of which it was told that members changed.
    pub(crate) changes: mpsc::UnboundedReceiver<ByteString>,
}

impl Client {
    /// A client of the broker of `node`.
    pub(crate) fn of(node: &Node, tasks: &Tasks, id: &'static str) -> Self {
        let (told, changes) = mpsc::unbounded_channel();
        let router = Router::default().on::<NotifyConsumerIdsChanged>(Listening(told));
        Self {
            remoting: client(node.clock(), tasks, router),
            address: node.broker().unwrap().advertised().text.clone(),
            id,
            changes,
        }
    }

    pub(crate) async fn call<R: Request>(&self, header: R) -> Result<Reply<R::Reply>, CallError> {
        self.call_with(header, Bytes::new()).await
    }

    pub(crate) async fn call_with<R: Request>(
        &self,
        header: R,
        body: impl Into<Bytes>,
    ) -> Result<Reply<R::Reply>, CallError> {
        self.remoting
            .call(&self.address, header, body.into(), MINUTE)
            .await
    }

    /// The code with which a request is refused.
    pub(crate) async fn refused<R: Request>(&self, header: R) -> ResponseCode {
        code(self.call(header).await)
    }

    pub(crate) async fn send(&self, header: SendMessage, body: &'static str) -> SendMessageReply {
        self.call_with(header, body).await.unwrap().header
    }

    pub(crate) async fn pull(&self, header: PullMessage) -> Reply<PullMessageReply> {
        self.call(header).await.unwrap()
    }

    /// Everything in a queue.
    pub(crate) async fn everything(&self, topic: &'static str, queue: i32) -> Vec<MessageExt> {
        let mut messages = Vec::new();
        loop {
            let from = i64::try_from(messages.len()).unwrap();
            let reply = self.pull(pull(topic, queue, from)).await;
            if reply.code != ResponseCode::SUCCESS {
                return messages;
            }
            messages.extend(decode_all(reply.body).unwrap());
        }
    }

    pub(crate) async fn heartbeat(
        &self,
        group: &'static str,
        topics: &[(&'static str, &'static str)],
    ) {
        self.wants(group, topics, 1).await;
    }

    /// A heartbeat that gives `version` to what it wants.
    pub(crate) async fn wants(
        &self,
        group: &'static str,
        topics: &[(&'static str, &'static str)],
        version: i64,
    ) {
        let model = MessageModel::Clustering;
        self.joins(&[group], topics, version, model).await;
    }

    /// A heartbeat of a consumer of each group.
    pub(crate) async fn joins_all(&self, groups: &[&'static str], topic: &'static str) {
        let model = MessageModel::Clustering;
        self.joins(groups, &[(topic, "*")], 1, model).await;
    }

    /// A heartbeat of a consumer that gets everything, whoever else is there.
    pub(crate) async fn broadcasts(&self, group: &'static str, topic: &'static str) {
        let model = MessageModel::Broadcasting;
        self.joins(&[group], &[(topic, "*")], 1, model).await;
    }

    async fn joins(
        &self,
        groups: &[&'static str],
        topics: &[(&'static str, &'static str)],
        version: i64,
        message_model: MessageModel,
    ) {
        let wanted = |(topic, expression): &(&'static str, &'static str)| SubscriptionData {
            topic: ByteString::from_static(topic),
            sub_string: ByteString::from_static(expression),
            sub_version: version,
            ..SubscriptionData::default()
        };
        let consumer = |group: &&'static str| ConsumerData {
            group_name: ByteString::from_static(group),
            message_model,
            subscription_data_set: topics.iter().map(wanted).collect(),
            ..ConsumerData::default()
        };
        let data = HeartbeatData {
            client_id: ByteString::from_static(self.id),
            producer_data_set: vec![ProducerData {
                group_name: "producers".into(),
            }],
            consumer_data_set: groups.iter().map(consumer).collect(),
            ..HeartbeatData::default()
        };
        let reply = self
            .call_with(HeartBeat, fastjson::write(&data))
            .await
            .unwrap();
        assert_eq!(reply.header.supports_v2, Some(true));
    }

    pub(crate) async fn commit(&self, topic: &'static str, queue: i32, offset: i64) {
        let header = UpdateConsumerOffset {
            consumer_group: "g".into(),
            topic: topic.into(),
            queue_id: Some(queue),
            commit_offset: Some(offset),
        };
        self.call(header).await.unwrap();
    }

    pub(crate) async fn committed(&self, topic: &'static str, queue: i32) -> Option<i64> {
        let header = QueryConsumerOffset {
            consumer_group: "g".into(),
            topic: topic.into(),
            queue_id: queue,
            set_zero_if_not_found: Some(false),
        };
        match self.call(header).await {
            Ok(reply) => Some(reply.header.offset),
            Err(error) => {
                assert_eq!(error.refusal().unwrap().code, ResponseCode::QUERY_NOT_FOUND);
                None
            }
        }
    }
}

/// The code of a refusal.
pub(crate) fn code<T>(outcome: Result<Reply<T>, CallError>) -> ResponseCode {
    match outcome {
        Ok(reply) => panic!("answered with {:?}", reply.code),
        Err(error) => error.refusal().unwrap_or_else(|| panic!("{error}")).code,
    }
}

/// A message for a queue.
pub(crate) fn message(topic: &'static str, queue: i32) -> SendMessage {
    SendMessage {
        producer_group: "producers".into(),
        topic: topic.into(),
        default_topic: "TBW102".into(),
        default_topic_queue_nums: 4,
        queue_id: queue,
        born_timestamp: 1,
        ..SendMessage::default()
    }
}

/// A message with properties.
pub(crate) fn with(header: SendMessage, properties: &[(&str, &str)]) -> SendMessage {
    let properties: Properties = properties.iter().copied().collect();
    let text = ByteString::try_from(properties.as_bytes().clone()).unwrap();
    SendMessage {
        properties: Some(text),
        ..header
    }
}

/// A pull that does not wait, of group `g` and everything.
pub(crate) fn pull(topic: &'static str, queue: i32, offset: i64) -> PullMessage {
    PullMessage {
        consumer_group: "g".into(),
        topic: topic.into(),
        queue_id: queue,
        queue_offset: offset,
        max_msg_nums: 32,
        sys_flag: PullMessage::SUBSCRIPTION,
        subscription: Some("*".into()),
        ..PullMessage::default()
    }
}

/// The same, waiting for a message.
pub(crate) fn waiting(pull: PullMessage, limit: Duration) -> PullMessage {
    PullMessage {
        sys_flag: pull.sys_flag | PullMessage::SUSPEND,
        suspend_timeout_millis: i64::try_from(limit.as_millis()).unwrap(),
        ..pull
    }
}
