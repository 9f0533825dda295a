//! What administrators see of topics, groups and connections.

use std::collections::BTreeMap;

use mq_core::clock::Clock;
use mq_core::message::{MessageQueue, TopicName};
use mq_core::remoting::CallError;
use mq_core::wire::body::{
    ConsumeFromWhere, ConsumeStats, ConsumeType, ConsumerConnection, ConsumerData, GroupList,
    HeartbeatData, MessageModel, OffsetWrapper, ProducerConnection, TopicOffset, TopicStatsTable,
};
use mq_core::wire::header::{
    DeleteTopicInBroker, GetConsumeStats, GetConsumerConnectionList, GetProducerConnectionList,
    GetTopicStatsInfo, HeartBeat, QueryTopicConsumeByWho, UnregisterClient, UpdateAndCreateTopic,
};
use mq_core::wire::{Language, Refusal, Request, ResponseCode, VERSION, fastjson};
use serde::de::DeserializeOwned;

use crate::stage::{Client, SECOND, Stage, message, pull};

/// The body of the answer.
async fn view<B: DeserializeOwned>(client: &Client, request: impl Request) -> B {
    fastjson::read(&client.call(request).await.unwrap().body).unwrap()
}

async fn refusal<R: Request>(client: &Client, request: R) -> Refusal {
    let outcome: Result<_, CallError> = client.call(request).await;
    let Err(error) = outcome else {
        panic!("{:?} is answered", R::CODE)
    };
    error.refusal().unwrap().clone()
}

fn queue(topic: &str, id: i32) -> MessageQueue {
    MessageQueue::new(TopicName::new(topic).unwrap(), "broker-a", id)
}

fn stats_of(topic: &'static str) -> GetTopicStatsInfo {
    GetTopicStatsInfo {
        topic: topic.into(),
    }
}

fn progress(topic: Option<&'static str>, list: Option<&'static str>) -> GetConsumeStats {
    GetConsumeStats {
        consumer_group: "g".into(),
        topic: topic.map(Into::into),
        topic_list: list.map(Into::into),
    }
}

#[tokio::test]
async fn a_topic_shows_what_lies_in_its_queues_and_since_when() {
    let clock = Clock::manual(1_000_000);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let client = stage.client("a");
    let shrunk = UpdateAndCreateTopic {
        topic: "orders".into(),
        read_queue_nums: 3,
        write_queue_nums: 2,
        perm: 6,
        ..UpdateAndCreateTopic::default()
    };
    client.call(shrunk).await.unwrap();
    client.send(message("orders", 0), "old").await;
    clock.advance(100 * SECOND).await;
    for queue in [0, 1, 1] {
        client.send(message("orders", queue), "new").await;
        clock.advance(SECOND).await;
    }

    let table: TopicStatsTable = view(&client, stats_of("orders")).await;

    let offsets = |max_offset, last_update_timestamp| TopicOffset {
        last_update_timestamp,
        max_offset,
        min_offset: 0,
    };
    let expected = [offsets(2, 1_100_000), offsets(2, 1_102_000), offsets(0, 0)];
    let expected = (0..)
        .zip(expected)
        .map(|(id, it)| (queue("orders", id), it));
    assert_eq!(table.offset_table, expected.collect::<BTreeMap<_, _>>());
    let tps = table.topic_put_tps;
    assert!((tps - 3.0 / 60.0).abs() < 1e-9, "{tps}");
    let nowhere = refusal(&client, stats_of("nothing")).await;
    assert_eq!(nowhere.code, ResponseCode::TOPIC_NOT_EXIST);
    assert_eq!(nowhere.remark, "topic[nothing] not exist");
    stage.stop().await;
}

#[tokio::test]
async fn a_group_shows_how_far_it_has_come_in_each_queue() {
    let clock = Clock::manual(1_000_000);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let client = stage.client("a");
    for _ in 0..5 {
        client.send(message("orders", 1), "x").await;
        clock.advance(SECOND).await;
    }
    client.send(message("stock", 0), "x").await;
    client.pull(pull("orders", 1, 0)).await;
    client.commit("orders", 1, 3).await;

    let stats: ConsumeStats = view(&client, progress(None, None)).await;

    let mut expected = BTreeMap::new();
    for id in [0, 2, 3] {
        expected.insert(queue("orders", id), OffsetWrapper::default());
    }
    let read = OffsetWrapper {
        broker_offset: 5,
        consumer_offset: 3,
        last_timestamp: 1_002_000,
        pull_offset: 5,
    };
    expected.insert(queue("orders", 1), read);
    assert_eq!(stats.offset_table, expected);
    let tps = stats.consume_tps;
    assert!((tps - 0.5).abs() < 1e-9, "{tps}");
    stage.stop().await;
}

#[tokio::test]
async fn a_question_about_a_group_means_its_topics_one_of_them_or_those_it_lists() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    for topic in ["orders", "stock"] {
        client.send(message(topic, 0), "x").await;
        client.pull(pull(topic, 0, 0)).await;
        client.commit(topic, 0, 1).await;
    }
    let topics = async |question| {
        let stats: ConsumeStats = view(&client, question).await;
        let queues = stats.offset_table.into_keys();
        let mut topics: Vec<_> = queues.map(|queue| queue.topic.to_string()).collect();
        topics.dedup();
        topics
    };
    let nobody = topics(progress(None, None)).await;
    client.heartbeat("g", &[("orders", "*")]).await;

    assert_eq!(nobody, ["orders", "stock"]);
    assert_eq!(topics(progress(None, None)).await, ["orders"]);
    assert_eq!(topics(progress(Some(""), None)).await, ["orders"]);
    assert_eq!(topics(progress(Some("orders"), None)).await, ["orders"]);
    assert!(topics(progress(Some("stock"), None)).await.is_empty());
    let listed = progress(Some("orders"), Some("stock;nothing;"));
    assert_eq!(topics(listed).await, ["stock"]);
    stage.stop().await;
}

/// Whoever made a topic anew would otherwise see what was given of the old one as being in flight.
#[tokio::test]
async fn nothing_of_a_deleted_topic_is_in_flight() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.send(message("orders", 0), "x").await;
    client.pull(pull("orders", 0, 0)).await;
    let delete = DeleteTopicInBroker {
        topic: "orders".into(),
    };
    client.call(delete).await.unwrap();
    client.send(message("orders", 0), "x").await;

    let stats: ConsumeStats = view(&client, progress(Some("orders"), None)).await;

    assert_eq!(stats.offset_table[&queue("orders", 0)].pull_offset, 0);
    stage.stop().await;
}

#[tokio::test]
async fn connections_of_a_group_show_who_they_are_and_what_the_group_wants() {
    let stage = Stage::new().await;
    let (a, b) = (stage.client("a"), stage.client("b"));
    let consumers = || GetConsumerConnectionList {
        consumer_group: "g".into(),
    };
    let producers = || GetProducerConnectionList {
        producer_group: "producers".into(),
    };
    let offline = refusal(&a, consumers()).await;
    assert_eq!(offline.code, ResponseCode::CONSUMER_NOT_ONLINE);
    assert_eq!(offline.remark, "the consumer group[g] not online");
    let unknown = refusal(&a, producers()).await;
    assert_eq!(unknown.code, ResponseCode::SYSTEM_ERROR);
    assert_eq!(unknown.remark, "the producer group[producers] not exist");

    for client in [&a, &b] {
        client.heartbeat("g", &[("orders", "new || paid")]).await;
    }
    let shown: ConsumerConnection = view(&a, consumers()).await;

    assert_eq!(shown.consume_type, ConsumeType::ConsumePassively);
    assert_eq!(shown.message_model, MessageModel::Clustering);
    let start = ConsumeFromWhere::ConsumeFromLastOffset;
    assert_eq!(shown.consume_from_where, start);
    let wanted = &shown.subscription_table["orders"];
    assert_eq!(wanted.sub_string, "new || paid");
    assert_eq!(wanted.tags_set, ["new", "paid"]);
    assert_eq!(wanted.code_set.len(), 2);
    let ids: Vec<_> = shown.connection_set.iter().map(|c| &*c.client_id).collect();
    assert_eq!(ids, ["a", "b"]);
    for connection in &shown.connection_set {
        assert_eq!(connection.version, VERSION);
        assert_eq!(connection.language, Language::Rust);
        assert!(connection.client_addr.starts_with("127.0.0.1:"));
    }
    let shown: ProducerConnection = view(&a, producers()).await;
    assert_eq!(shown.connection_set.len(), 2);

    for client in [&a, &b] {
        let leave = UnregisterClient {
            client_id: client.id.into(),
            producer_group: Some("producers".into()),
            consumer_group: Some("g".into()),
        };
        client.call(leave).await.unwrap();
    }
    assert_eq!(refusal(&a, consumers()).await, offline);
    assert_eq!(refusal(&a, producers()).await, unknown);
    stage.stop().await;
}

/// The other test's group consumes as one does that says nothing about it.
#[tokio::test]
async fn connections_of_a_group_show_how_it_consumes() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    let consumer = ConsumerData {
        group_name: "g".into(),
        consume_type: ConsumeType::ConsumeActively,
        message_model: MessageModel::Broadcasting,
        consume_from_where: ConsumeFromWhere::ConsumeFromFirstOffset,
        ..ConsumerData::default()
    };
    let heartbeat = HeartbeatData {
        client_id: client.id.into(),
        consumer_data_set: vec![consumer],
        ..HeartbeatData::default()
    };
    let heard = client.call_with(HeartBeat, fastjson::write(&heartbeat));
    heard.await.map(drop).unwrap();

    let question = GetConsumerConnectionList {
        consumer_group: "g".into(),
    };
    let shown: ConsumerConnection = view(&client, question).await;

    assert_eq!(shown.consume_type, ConsumeType::ConsumeActively);
    assert_eq!(shown.message_model, MessageModel::Broadcasting);
    let start = ConsumeFromWhere::ConsumeFromFirstOffset;
    assert_eq!(shown.consume_from_where, start);
    stage.stop().await;
}

#[tokio::test]
async fn who_consumes_a_topic_is_known_by_subscriptions_and_by_offsets() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    let groups = async |topic: &'static str| {
        let question = QueryTopicConsumeByWho {
            topic: topic.into(),
        };
        view::<GroupList>(&client, question).await.group_list
    };
    client.send(message("orders", 0), "x").await;
    client.send(message("stock", 0), "x").await;

    assert!(groups("orders").await.is_empty());
    client.pull(pull("orders", 0, 0)).await;
    client.commit("orders", 0, 1).await;
    client.heartbeat("h", &[("orders", "*")]).await;
    client.heartbeat("i", &[("stock", "*")]).await;
    assert_eq!(groups("orders").await, ["g", "h"]);
    assert!(groups("nothing").await.is_empty());
    stage.stop().await;
}
