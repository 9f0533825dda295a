//! The name server over a socket, as brokers and clients use it.

use bytes::Bytes;
use bytestring::ByteString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::remoting::{CallError, RemotingClient, RemotingClientConfig, RemotingServerConfig};
use crate::saved_file::SystemFiles;
use crate::wire::body::{
    BrokerMembers, ClusterInfo, DataVersion, KvTable, RegisterBrokerBody, TopicConfig, TopicList,
    TopicRouteData, body_checksum,
};
use crate::wire::header::{
    BrokerHeartbeat, DeleteKvConfig, GetBrokerClusterInfo, GetBrokerMemberGroup,
    GetHasUnitSubTopicList, GetHasUnitSubUnunitTopicList, GetKvConfig, GetKvListByNamespace,
    GetNamesrvConfig, GetRouteInfoByTopic, GetSystemTopicListFromNs, GetUnitTopicList, PutKvConfig,
    QueryDataVersion, RegisterBroker, RegisterBrokerReply, UnregisterBroker, UpdateNamesrvConfig,
};
use crate::wire::{Reply, Request, ResponseCode, fastjson};

const MINUTE: Duration = Duration::from_mins(1);

struct Stage {
    server: NameServer,
    address: String,
    broker: RemotingClient,
    clock: Clock,
}

impl Stage {
    async fn new() -> Self {
        Self::with(NamesrvConfig::default()).await
    }

    async fn with(config: NamesrvConfig) -> Self {
        let clock = Clock::manual(0);
        let socket = RemotingServer::bind(
            "127.0.0.1:0",
            RemotingServerConfig::default(),
            clock.clone(),
        );
        let socket = socket.await.unwrap();
        let address = socket.local_address();
        let server =
            NameServer::start(&config, address, Arc::new(SystemFiles), clock.clone()).unwrap();
        server.serve(socket);
        let tasks = Tasks::new(clock.clone());
        let broker = RemotingClient::new(
            RemotingClientConfig::default(),
            Arc::default(),
            clock.clone(),
            tasks,
        );
        Self {
            server,
            address: address.to_string(),
            broker,
            clock,
        }
    }

    async fn ask<R: Request>(&self, header: R, body: Bytes) -> Result<Reply<R::Reply>, CallError> {
        self.broker.call(&self.address, header, body, MINUTE).await
    }

    async fn register(&self) -> Result<Reply<RegisterBrokerReply>, CallError> {
        let body = registration_body().encode();
        self.ask(registration(&body), body).await
    }

    async fn route(&self, topic: &str) -> Result<Bytes, CallError> {
        let header = GetRouteInfoByTopic {
            topic: topic.into(),
            accept_standard_json_only: None,
        };
        Ok(self.ask(header, Bytes::new()).await?.body)
    }

    async fn wait_until_gone(&self, topic: &str) {
        while self.route(topic).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }
}

fn registration(body: &[u8]) -> RegisterBroker {
    RegisterBroker {
        broker_name: "broker-a".into(),
        broker_addr: "127.0.0.1:10911".into(),
        cluster_name: "DefaultCluster".into(),
        body_crc32: body_checksum(body),
        ..RegisterBroker::default()
    }
}

fn registration_body() -> RegisterBrokerBody {
    let mut body = RegisterBrokerBody::default();
    let topics = &mut body.topic_config_serialize_wrapper;
    topics.data_version.counter = 3;
    for name in ["order-topic", "TBW102"] {
        let topic = TopicConfig {
            topic_name: name.into(),
            ..TopicConfig::default()
        };
        topics.topic_config_table.insert(name.into(), topic);
    }
    body
}

fn code(outcome: Result<impl Sized, CallError>) -> ResponseCode {
    let error = outcome.err().unwrap();
    error.refusal().unwrap().code
}

/// Go's client cuts `brokerAddrs` by hand, and Java from 4.9.4 on wants keys in quotes.
#[tokio::test]
async fn a_route_is_strict_json_without_whitespace() {
    let stage = Stage::new().await;
    stage.register().await.unwrap();

    let route = stage.route("order-topic").await.unwrap();

    let expected = concat!(
        r#"{"brokerDatas":[{"brokerAddrs":{"0":"127.0.0.1:10911"},"brokerName":"broker-a","#,
        r#""cluster":"DefaultCluster","enableActingMaster":false}],"filterServerTable":{},"#,
        r#""queueDatas":[{"brokerName":"broker-a","perm":6,"readQueueNums":16,"#,
        r#""topicSysFlag":0,"writeQueueNums":16}]}"#
    );
    assert_eq!(route, expected);
    assert_eq!(
        code(stage.route("nowhere").await),
        ResponseCode::TOPIC_NOT_EXIST
    );
}

#[tokio::test]
async fn within_the_process_it_answers_the_same() {
    let stage = Stage::new().await;
    stage.broker.attach("within", stage.server.local());
    let body = registration_body().encode();

    let registered = stage
        .broker
        .call("within", registration(&body), body, MINUTE)
        .await;

    assert!(registered.is_ok());
    assert!(stage.route("order-topic").await.is_ok());
    stage.broker.disconnect("within");
    stage.wait_until_gone("order-topic").await;
}

#[tokio::test]
async fn a_registration_that_was_damaged_on_the_way_is_refused() {
    let stage = Stage::new().await;
    let body = registration_body().encode();
    let mut damaged = body.to_vec();
    damaged[10] ^= 1;

    let outcome = stage.ask(registration(&body), damaged.into()).await;

    assert_eq!(code(outcome), ResponseCode::SYSTEM_ERROR);
    assert!(stage.route("order-topic").await.is_err());
}

#[tokio::test]
async fn a_broker_is_gone_when_it_leaves_when_its_connection_ends_and_when_it_falls_silent() {
    let stage = Stage::new().await;
    let address = stage.address.clone();
    let leave = UnregisterBroker {
        broker_name: "broker-a".into(),
        broker_addr: "127.0.0.1:10911".into(),
        cluster_name: "DefaultCluster".into(),
        broker_id: 0,
    };

    stage.register().await.unwrap();
    stage.ask(leave, Bytes::new()).await.unwrap();
    assert!(stage.route("order-topic").await.is_err());

    stage.register().await.unwrap();
    stage.broker.disconnect(&address);
    stage.wait_until_gone("order-topic").await;

    for (silence, rounds) in [(None, 12), (Some(30_000), 3)] {
        let body = registration_body().encode();
        let header = RegisterBroker {
            heartbeat_timeout_millis: silence,
            ..registration(&body)
        };
        stage.ask(header, body).await.unwrap();
        for _ in 0..rounds {
            // What it asks keeps the connection alive, and is no heartbeat.
            assert!(stage.route("order-topic").await.is_ok(), "{silence:?}");
            stage.clock.advance(Duration::from_secs(10)).await;
        }
        stage.clock.advance(Duration::from_secs(5)).await;
        let info = stage.ask(GetBrokerClusterInfo, Bytes::new()).await.unwrap();
        let info: ClusterInfo = fastjson::read(&info.body).unwrap();
        assert_eq!(info, ClusterInfo::default(), "{silence:?}");
    }
}

#[tokio::test]
async fn a_broker_learns_whether_its_topics_are_known() {
    let stage = Stage::new().await;
    let ask = |counter| {
        let header = QueryDataVersion {
            broker_name: "broker-a".into(),
            broker_addr: "127.0.0.1:10911".into(),
            cluster_name: "DefaultCluster".into(),
            broker_id: 0,
        };
        let version = DataVersion {
            counter,
            ..DataVersion::default()
        };
        stage.ask(header, fastjson::write(&version))
    };

    let unknown = ask(3).await.unwrap();
    stage.register().await.unwrap();
    let same = ask(3).await.unwrap();
    let newer = ask(4).await.unwrap();

    assert!(unknown.header.changed && unknown.body.is_empty());
    assert!(!same.header.changed);
    assert!(newer.header.changed);
    let known: DataVersion = fastjson::read(&newer.body).unwrap();
    assert_eq!(known.counter, 3);
}

#[tokio::test]
async fn ordered_topics_reach_brokers_and_clients_when_they_shall() {
    let config = NamesrvConfig {
        tell_clients_order: true,
        ..NamesrvConfig::default()
    };
    let stage = Stage::with(config).await;
    let put = PutKvConfig {
        namespace: "ORDER_TOPIC_CONFIG".into(),
        key: "order-topic".into(),
        value: "broker-a:4".into(),
    };
    assert!(stage.register().await.unwrap().body.is_empty());

    stage.ask(put, Bytes::new()).await.unwrap();

    let told: KvTable = fastjson::read(&stage.register().await.unwrap().body).unwrap();
    assert_eq!(told.table["order-topic"], "broker-a:4");
    let route = stage.route("order-topic").await.unwrap();
    let route: TopicRouteData = fastjson::read(&route).unwrap();
    assert_eq!(route.order_topic_conf.as_deref(), Some("broker-a:4"));
    let other: TopicRouteData = fastjson::read(&stage.route("TBW102").await.unwrap()).unwrap();
    assert_eq!(other.order_topic_conf, None);
}

#[tokio::test]
async fn keys_and_values_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let config = NamesrvConfig {
        kv_path: Some(folder.path().join("kvConfig.json")),
        ..NamesrvConfig::default()
    };
    let put = |key: &'static str| PutKvConfig {
        namespace: "N".into(),
        key: key.into(),
        value: "v".into(),
    };
    let get = |key: &'static str| GetKvConfig {
        namespace: "N".into(),
        key: key.into(),
    };
    let first = Stage::with(config.clone()).await;
    first.ask(put("kept"), Bytes::new()).await.unwrap();
    first.ask(put("gone"), Bytes::new()).await.unwrap();
    let delete = DeleteKvConfig {
        namespace: "N".into(),
        key: "gone".into(),
    };
    first.ask(delete, Bytes::new()).await.unwrap();
    first.server.stop(MINUTE).await.unwrap();

    let second = Stage::with(config).await;

    let kept = second.ask(get("kept"), Bytes::new()).await.unwrap();
    assert_eq!(kept.header.value.as_deref(), Some("v"));
    let gone = second.ask(get("gone"), Bytes::new()).await;
    assert_eq!(code(gone), ResponseCode::QUERY_NOT_FOUND);
    let list = |namespace: &'static str| GetKvListByNamespace {
        namespace: namespace.into(),
    };
    let all = second.ask(list("N"), Bytes::new()).await.unwrap();
    assert_eq!(all.body, r#"{"table":{"kept":"v"}}"#);
    let none = second.ask(list("M"), Bytes::new()).await;
    assert_eq!(code(none), ResponseCode::QUERY_NOT_FOUND);
}

#[tokio::test]
async fn administrators_see_system_topics_and_settings() {
    let stage = Stage::new().await;
    stage.register().await.unwrap();

    let topics = stage.ask(GetSystemTopicListFromNs, Bytes::new()).await;
    let settings = stage.ask(GetNamesrvConfig, Bytes::new()).await.unwrap();

    let topics: TopicList = fastjson::read(&topics.unwrap().body).unwrap();
    let names: [ByteString; 2] = ["DefaultCluster".into(), "broker-a".into()];
    assert_eq!(topics.topic_list, names);
    assert_eq!(topics.broker_addr.as_deref(), Some("127.0.0.1:10911"));
    let settings = String::from_utf8(settings.body.to_vec()).unwrap();
    assert!(
        settings.contains("orderMessageEnable=false\n"),
        "{settings}"
    );
}

/// Among them one that only brokers answer: Apache's 4.9.8 leaves its sender without an answer.
#[tokio::test]
async fn frames_of_apache_s_programs_are_answered() {
    let stage = Stage::new().await;
    let mut stream = TcpStream::connect(&stage.address).await.unwrap();
    let frames = [
        ("5.3.3-json/103-register-broker", 0),
        ("5.3.3-binary/322-query-data-version", 0),
        ("4.9.7-json/105-get-route-info-by-topic", 0),
        ("5.3.3-json/105-get-route-info-by-topic-answered-17", 17),
        ("5.3.3-json/106-get-broker-cluster-info", 0),
        ("5.3.3-binary/205-wipe-write-permission-of-broker", 0),
        ("5.3.3-json/206-get-all-topic-list-from-name-server", 0),
        ("5.3.3-json/216-delete-topic-in-name-server", 0),
        ("5.3.3-json/104-unregister-broker", 0),
        ("5.3.3-json/28-get-broker-runtime-info", 3),
    ];
    for (name, expected) in frames {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/");
        let frame = std::fs::read(format!("{folder}{name}.request.bin")).unwrap();

        stream.write_all(&frame).await.unwrap();

        let length = stream.read_u32().await.unwrap();
        let mut answer = vec![0; length as usize + 4];
        answer[..4].copy_from_slice(&length.to_be_bytes());
        stream.read_exact(&mut answer[4..]).await.unwrap();
        let frame = crate::wire::frame::decode(&mut answer.as_slice().into(), answer.len());
        let answer = crate::wire::RemotingCommand::from_frame(frame.unwrap().unwrap()).unwrap();
        assert_eq!(
            answer.head.code, expected,
            "{name}: {:?}",
            answer.head.remark
        );
    }
}

#[tokio::test]
async fn topics_are_listed_by_their_unit_flags() {
    let stage = Stage::new().await;
    let mut body = RegisterBrokerBody::default();
    let topics = &mut body.topic_config_serialize_wrapper;
    for (name, flags) in [("plain", 0), ("unit", 1), ("subscribed", 2), ("both", 3)] {
        let topic = TopicConfig {
            topic_name: name.into(),
            topic_sys_flag: flags,
            ..TopicConfig::default()
        };
        topics.topic_config_table.insert(name.into(), topic);
    }
    let body = body.encode();
    stage.ask(registration(&body), body).await.unwrap();
    let names = |reply: Result<Reply<crate::wire::NoFields>, CallError>| {
        let list: TopicList = fastjson::read(&reply.unwrap().body).unwrap();
        list.topic_list
    };

    let none = Bytes::new;
    let units = names(stage.ask(GetUnitTopicList, none()).await);
    let subscribed = names(stage.ask(GetHasUnitSubTopicList, none()).await);
    let no_units = names(stage.ask(GetHasUnitSubUnunitTopicList, none()).await);

    assert_eq!(units, ["both", "unit"]);
    assert_eq!(subscribed, ["both", "subscribed"]);
    assert_eq!(no_units, ["subscribed"]);
}

#[tokio::test]
async fn a_broker_that_says_it_is_alive_is_not_silent() {
    let stage = Stage::new().await;
    stage.register().await.unwrap();
    let alive = BrokerHeartbeat {
        cluster_name: "DefaultCluster".into(),
        broker_addr: "127.0.0.1:10911".into(),
        broker_name: "broker-a".into(),
    };

    for _ in 0..20 {
        stage.ask(alive.clone(), Bytes::new()).await.unwrap();
        stage.clock.advance(Duration::from_secs(10)).await;
    }

    assert!(stage.route("order-topic").await.is_ok());
    let members = async |broker: &'static str| {
        let header = GetBrokerMemberGroup {
            cluster_name: "DefaultCluster".into(),
            broker_name: broker.into(),
        };
        let reply = stage.ask(header, Bytes::new()).await.unwrap();
        let members: BrokerMembers = fastjson::read(&reply.body).unwrap();
        members.broker_member_group.broker_addrs
    };
    assert_eq!(members("broker-a").await[&0], "127.0.0.1:10911");
    assert!(members("nobody").await.is_empty());
}

#[tokio::test]
async fn the_order_of_topics_is_told_from_the_moment_it_shall_be() {
    let stage = Stage::new().await;
    stage.register().await.unwrap();
    let put = PutKvConfig {
        namespace: "ORDER_TOPIC_CONFIG".into(),
        key: "order-topic".into(),
        value: "broker-a:4".into(),
    };
    stage.ask(put, Bytes::new()).await.unwrap();
    let told = async || {
        let route = stage.route("order-topic").await.unwrap();
        let route: TopicRouteData = fastjson::read(&route).unwrap();
        route.order_topic_conf
    };
    assert_eq!(told().await, None);

    let change = |text: &'static str| stage.ask(UpdateNamesrvConfig, Bytes::from(text));
    change("orderMessageEnable=true").await.unwrap();
    assert_eq!(told().await.as_deref(), Some("broker-a:4"));

    let refused = change("orderMessageEnable=false\nkvConfigPath=/tmp/x").await;
    assert_eq!(code(refused), ResponseCode::NO_PERMISSION);
    let refused = change("orderMessageEnable=maybe").await;
    assert_eq!(code(refused), ResponseCode::INVALID_PARAMETER);
    assert!(told().await.is_some());
    let settings = stage.ask(GetNamesrvConfig, Bytes::new()).await.unwrap();
    let settings = String::from_utf8(settings.body.to_vec()).unwrap();
    assert!(settings.contains("orderMessageEnable=true"), "{settings}");
}
