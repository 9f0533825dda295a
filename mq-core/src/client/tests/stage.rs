//! Name servers and brokers that answer what a test wants, on ports that the system picks.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytestring::ByteString;
use parking_lot::Mutex;

use crate::client::{Client, ClientConfig, Producer, ProducerConfig};
use crate::clock::Clock;
use crate::message::{GroupName, Message, TopicName};
use crate::remoting::{Incoming, Processor, RemotingServer, RemotingServerConfig, Router};
use crate::tasks::Tasks;
use crate::wire::body::{BrokerData, QueueData, TopicRouteData};
use crate::wire::header::{
    GetBrokerConfig, GetBrokerConfigReply, GetRouteInfoByTopic, HeartBeat, HeartBeatReply,
    SendMessage, SendMessageReply,
};
use crate::wire::{NoFields, Refusal, Reply, ResponseCode, fastjson};

pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) fn topic() -> TopicName {
    TopicName::new("orders").unwrap()
}

pub(super) fn message() -> Message {
    Message::new(topic(), "one coffee")
}

pub(super) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let clock = Clock::system();
    let begun = clock.moment();
    while !condition() {
        assert!(clock.moment().since(begun) < SECOND * 10, "{what}");
        clock.sleep(Duration::from_millis(5)).await;
    }
}

/// A server that ends with its tasks.
pub(super) struct Server {
    pub(super) address: String,
    tasks: Tasks,
}

impl Server {
    pub(super) async fn start(router: Router) -> Self {
        let clock = Clock::system();
        let config = RemotingServerConfig::default();
        let server = RemotingServer::bind("127.0.0.1:0", config, clock.clone())
            .await
            .unwrap();
        let tasks = Tasks::new(clock);
        let address = server.local_address().to_string();
        server.serve(Arc::new(router), Arc::new(()), &tasks);
        Self { address, tasks }
    }

    pub(super) async fn stop(self) {
        self.tasks.stop(SECOND).await.unwrap();
    }
}

/// How a broker answers a send.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    Code(ResponseCode),
    /// Not at all.
    Silence,
}

/// A broker that takes messages, or does what it is told first.
pub(super) struct Broker {
    pub(super) server: Server,
    pub(super) taken: Arc<Mutex<Vec<SendMessage>>>,
    pub(super) heartbeats: Arc<AtomicUsize>,
    /// How often it was asked for its settings.
    pub(super) asked: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Takes {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    taken: Arc<Mutex<Vec<SendMessage>>>,
    heartbeats: Arc<AtomicUsize>,
    /// Its settings, and how often they were asked for.
    settings: &'static str,
    asked: Arc<AtomicUsize>,
}

impl Broker {
    pub(super) async fn start(answers: &[Answer]) -> Self {
        Self::with_settings(answers, "timerWheelEnable=true").await
    }

    pub(super) async fn with_settings(answers: &[Answer], settings: &'static str) -> Self {
        let takes = Takes {
            answers: Arc::new(Mutex::new(answers.iter().copied().collect())),
            taken: Arc::default(),
            heartbeats: Arc::default(),
            settings,
            asked: Arc::default(),
        };
        let router = Router::default()
            .on::<SendMessage>(takes.clone())
            .on::<GetBrokerConfig>(takes.clone())
            .on::<HeartBeat>(takes.clone());
        Self {
            server: Server::start(router).await,
            taken: takes.taken,
            heartbeats: takes.heartbeats,
            asked: takes.asked,
        }
    }
}

impl Processor<GetBrokerConfig> for Takes {
    async fn process(
        &self,
        _request: Incoming<GetBrokerConfig>,
    ) -> Result<Reply<GetBrokerConfigReply>, Refusal> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(Reply::ok(GetBrokerConfigReply::default()).with_body(self.settings))
    }
}

impl Processor<SendMessage> for Takes {
    async fn process(
        &self,
        request: Incoming<SendMessage>,
    ) -> Result<Reply<SendMessageReply>, Refusal> {
        self.taken.lock().push(request.header);
        let answer = self.answers.lock().pop_front();
        let code = match answer {
            Some(Answer::Silence) => std::future::pending().await,
            Some(Answer::Code(code)) => code,
            None => ResponseCode::SUCCESS,
        };
        let stored = SendMessageReply {
            msg_id: "7F00000100002A9F0000000000000000".into(),
            ..SendMessageReply::default()
        };
        match code.0 {
            0 | 10..=12 => Ok(Reply::ok(stored).with_code(code)),
            _ => Err(Refusal::new(code, "as told")),
        }
    }
}

impl Processor<HeartBeat> for Takes {
    async fn process(
        &self,
        _request: Incoming<HeartBeat>,
    ) -> Result<Reply<HeartBeatReply>, Refusal> {
        self.heartbeats.fetch_add(1, Ordering::Relaxed);
        Ok(Reply::ok(HeartBeatReply::default()))
    }
}

struct Knows(TopicRouteData);

impl Processor<GetRouteInfoByTopic> for Knows {
    async fn process(
        &self,
        request: Incoming<GetRouteInfoByTopic>,
    ) -> Result<Reply<NoFields>, Refusal> {
        if request.header.topic != topic().as_str() {
            return Err(Refusal::new(ResponseCode::TOPIC_NOT_EXIST, "as told"));
        }
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&self.0)))
    }
}

/// A name server that knows the topic at these brokers, one queue each.
pub(super) async fn name_server(brokers: &[&Broker]) -> Server {
    let names: Vec<ByteString> = (0..brokers.len())
        .map(|n| format!("broker-{n}").into())
        .collect();
    let data = |(name, broker): (&ByteString, &&Broker)| BrokerData {
        broker_addrs: [(0, broker.server.address.clone().into())].into(),
        broker_name: name.clone(),
        ..BrokerData::default()
    };
    let queue = |name: &ByteString| QueueData {
        broker_name: name.clone(),
        perm: 6,
        read_queue_nums: 1,
        write_queue_nums: 1,
        topic_sys_flag: 0,
    };
    let route = TopicRouteData {
        broker_datas: names.iter().zip(brokers).map(data).collect(),
        queue_datas: names.iter().map(queue).collect(),
        ..TopicRouteData::default()
    };
    Server::start(Router::default().on::<GetRouteInfoByTopic>(Knows(route))).await
}

pub(super) fn client(name_servers: &[&Server]) -> Client {
    let addresses = name_servers.iter().map(|server| server.address.clone());
    Client::new(ClientConfig::new(addresses), Clock::system()).unwrap()
}

pub(super) fn producer(client: &Client, change: impl FnOnce(&mut ProducerConfig)) -> Producer {
    let mut config = ProducerConfig::new(GroupName::new("shop-order").unwrap());
    change(&mut config);
    client.producer(config).unwrap()
}
