//! Members come and go, share queues and lock them.

use std::sync::Arc;

use bytes::Bytes;
use mq_core::clock::Clock;
use mq_core::message::record::decode_all;
use mq_core::message::{MessageQueue, TopicName};
use mq_core::store::StoreConfig;
use mq_core::store::disk::{FaultyDisk, SmallFiles as _};
use mq_core::wire::ResponseCode;
use mq_core::wire::body::{
    CheckClientRequestBody, ConsumerData, HeartbeatData, KvTable, SubscriptionData,
};
use mq_core::wire::body::{ConsumerIds, LockBatchRequestBody, LockBatchResponseBody};
use mq_core::wire::fastjson;
use mq_core::wire::header::{
    CheckClientConfig, GetBrokerRuntimeInfo, GetConsumerListByGroup, GetProducerConnectionList,
    HeartBeat, LockBatchMq, PullMessage, QueryConsumerOffset, UnlockBatchMq, UnregisterClient,
};
use tracing::Level;

use crate::lines::Lines;
use crate::stage::{Client, MINUTE, SECOND, Stage, code, message, pull, waiting, with};

const GROUPS: [&str; 12] = [
    "north", "east", "south", "west", "spring", "summer", "autumn", "winter", "dawn", "noon",
    "dusk", "night",
];

async fn members(client: &Client) -> Vec<String> {
    let header = GetConsumerListByGroup {
        consumer_group: "g".into(),
    };
    match client.call(header).await {
        Ok(reply) => {
            let ids: ConsumerIds = fastjson::read(&reply.body).unwrap();
            ids.consumer_id_list
                .iter()
                .map(ToString::to_string)
                .collect()
        }
        Err(error) => {
            assert_eq!(error.refusal().unwrap().code, ResponseCode::SYSTEM_ERROR);
            Vec::new()
        }
    }
}

#[tokio::test]
async fn members_are_told_when_somebody_comes_leaves_or_hangs_up() {
    let stage = Stage::new().await;
    let (mut a, b, c) = (stage.client("a"), stage.client("b"), stage.client("c"));
    a.heartbeat("g", &[("orders", "*")]).await;
    assert_eq!(a.changes.recv().await.as_deref(), Some("g"));

    for other in [&b, &c] {
        other.heartbeat("g", &[("orders", "*")]).await;
        assert_eq!(a.changes.recv().await.as_deref(), Some("g"));
    }
    assert_eq!(members(&a).await, ["a", "b", "c"]);

    let leave = UnregisterClient {
        client_id: "b".into(),
        producer_group: None,
        consumer_group: Some("g".into()),
    };
    b.call(leave).await.unwrap();
    assert_eq!(a.changes.recv().await.as_deref(), Some("g"));
    c.remoting.disconnect(&c.address);
    assert_eq!(a.changes.recv().await.as_deref(), Some("g"));
    assert_eq!(members(&a).await, ["a"]);
    a.heartbeat("g", &[("orders", "*")]).await;
    assert!(a.changes.try_recv().is_err());
    stage.stop().await;
}

fn leave(client: &Client) -> UnregisterClient {
    UnregisterClient {
        client_id: client.id.into(),
        producer_group: Some("producers".into()),
        consumer_group: Some("g".into()),
    }
}

/// A pull of what the heartbeats of its connection say, in `version`.
fn registered(version: i64, offset: i64) -> PullMessage {
    PullMessage {
        sys_flag: 0,
        sub_version: version,
        ..pull("orders", 0, offset)
    }
}

async fn bodies(client: &Client, request: PullMessage) -> Vec<Bytes> {
    let body = client.pull(request).await.body;
    let messages = decode_all(body).unwrap().into_iter();
    messages.map(|found| found.message.body).collect()
}

/// A process that ended after its successor had started with the same client id took the successor
/// out of the group: 22.6 s without delivery for Java's clients.
#[tokio::test]
async fn a_process_that_leaves_does_not_take_another_with_its_client_id_along() {
    let stage = Stage::new().await;
    let (old, new) = (stage.client("a"), stage.client("a"));
    new.send(message("orders", 0), "x").await;
    for client in [&old, &new, &old] {
        client.heartbeat("g", &[("orders", "*")]).await;
    }

    old.call(leave(&old)).await.unwrap();
    old.remoting.disconnect(&old.address);

    assert_eq!(members(&new).await, ["a"]);
    assert_eq!(bodies(&new, registered(1, 0)).await, ["x"]);
    let producers = GetProducerConnectionList {
        producer_group: "producers".into(),
    };
    new.call(producers.clone()).await.unwrap();
    new.call(leave(&new)).await.unwrap();
    assert!(members(&new).await.is_empty());
    let nobody = new.refused(producers).await;
    assert_eq!(nobody, ResponseCode::SYSTEM_ERROR);
    stage.stop().await;
}

/// The clock of the member with the new tags was behind: the broker kept the old tags for ever and
/// passed over what only the new member wanted.
#[tokio::test]
async fn a_rolling_change_of_tags_loses_nothing_that_a_living_member_wants() {
    let stage = Stage::new().await;
    let (old, new) = (stage.client("old"), stage.client("new"));
    for tag in ["A", "B"] {
        new.send(with(message("orders", 0), &[("TAGS", tag)]), tag)
            .await;
    }
    old.wants("g", &[("orders", "A")], 60_000).await;
    new.wants("g", &[("orders", "A||B")], 1).await;

    assert_eq!(bodies(&old, registered(60_000, 0)).await, ["A"]);
    assert_eq!(bodies(&new, registered(1, 0)).await, ["A", "B"]);
    old.call(leave(&old)).await.unwrap();
    assert_eq!(bodies(&new, registered(1, 0)).await, ["A", "B"]);
    new.wants("g", &[("orders", "A||B")], 1).await;
    assert_eq!(bodies(&new, registered(1, 0)).await, ["A", "B"]);
    stage.stop().await;
}

/// Two programs of one group took each other's topics away with every heartbeat.
#[tokio::test]
async fn a_member_gets_its_topics_whatever_topics_others_want() {
    let stage = Stage::new().await;
    let (a, b) = (stage.client("a"), stage.client("b"));
    a.send(message("orders", 0), "x").await;
    a.heartbeat("g", &[("orders", "*")]).await;
    b.heartbeat("g", &[("stock", "*")]).await;

    assert_eq!(bodies(&a, registered(1, 0)).await, ["x"]);
    stage.stop().await;
}

/// Half of the messages of each program were not delivered, and nobody was told.
#[tokio::test]
async fn members_that_want_different_things_are_named_once() {
    let (lines, _listening) = Lines::listen("mq_core::broker");
    let stage = Stage::new().await;
    let (a, b) = (stage.client("a"), stage.client("b"));
    let told = || lines.count(Level::WARN, "subscribe to different things");
    a.heartbeat("g", &[("orders", "A||B")]).await;
    b.heartbeat("g", &[("orders", "B || A")]).await;
    assert_eq!(told(), 0);

    b.heartbeat("g", &[("stock", "*")]).await;
    a.wants("g", &[("orders", "A||B")], 2).await;
    b.wants("g", &[("stock", "*")], 2).await;

    assert_eq!(told(), 1);
    let line = lines.first(Level::WARN, "different things").unwrap();
    let difference = "orders: not subscribed against `A || B`; stock: `*` against not subscribed";
    for part in ["group=g", "b at 127.0.0.1:", "a at 127.0.0.1:", difference] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    stage.stop().await;
}

/// A Java consumer whose start was refused went on pulling, and nothing said so.
#[tokio::test]
async fn a_subscription_that_is_refused_is_told_once_for_each_client() {
    let (lines, _listening) = Lines::listen("mq_core::broker");
    let stage = Stage::with(Clock::system(), |config| {
        config.rules.filters.conditions = false;
    })
    .await;
    let clients = [stage.client("a"), stage.client("b")];
    clients[0].send(message("orders", 0), "x").await;
    let by_condition = PullMessage {
        expression_type: Some("SQL92".into()),
        ..pull("orders", 0, 0)
    };

    for client in clients.iter().chain(&clients) {
        client.heartbeat("g", &[("orders", "*")]).await;
        let refused = client.refused(by_condition.clone()).await;
        assert_eq!(refused, ResponseCode::SYSTEM_ERROR);
    }

    let told = |client| lines.count(Level::WARN, client);
    assert_eq!((told("client=\"a\""), told("client=\"b\"")), (1, 1));
    stage.stop().await;
}

/// Each group of a heartbeat wrote two files for itself: a program of 1,000 groups waited half a minute.
#[tokio::test]
async fn the_new_groups_of_a_heartbeat_are_saved_together() {
    let disk = FaultyDisk::default();
    let config = Stage::config(|_| {});
    let stage = Stage::on(Arc::new(disk.clone()), config, Clock::system()).await;
    let client = stage.client("a");
    let before = disk.changes();

    client.joins_all(&GROUPS, "orders").await;

    let changes = disk.changes() - before;
    assert!(changes < GROUPS.len() as u64, "{changes} changes");
    for file in ["subscriptionGroup.json", "topics.json"] {
        let path = format!("/store/config/{file}");
        let saved = disk.read(path.as_ref()).unwrap().unwrap();
        let saved = String::from_utf8_lossy(&saved).into_owned();
        assert!(GROUPS.iter().all(|group| saved.contains(group)), "{saved}");
    }
    stage.stop().await;
}

/// What was told was forgotten when it became too much, and told anew with every heartbeat.
#[tokio::test]
async fn refused_subscriptions_without_end_are_told_up_to_a_number_and_then_only_counted() {
    let (lines, _listening) = Lines::listen("mq_core::broker");
    let stage = Stage::new().await;
    let client = stage.client("a");
    let by_condition = |number: usize| SubscriptionData {
        topic: format!("t{number}").into(),
        sub_string: "a >".into(),
        expression_type: "SQL92".into(),
        ..SubscriptionData::default()
    };
    let consumer = ConsumerData {
        group_name: "g".into(),
        subscription_data_set: (0..1_100).map(by_condition).collect(),
        ..ConsumerData::default()
    };
    let data = HeartbeatData {
        client_id: "a".into(),
        consumer_data_set: vec![consumer],
        ..HeartbeatData::default()
    };

    for _ in 0..3 {
        let body = fastjson::write(&data);
        client.call_with(HeartBeat, body).await.unwrap();
    }

    assert_eq!(lines.count(Level::WARN, "gets nothing of the topic"), 1_024);
    assert_eq!(
        lines.count(Level::WARN, "the subscription is refused"),
        1_025
    );
    stage.stop().await;
}

/// Forty pulls with 4 MB of `expressionType` took 300 MB of memory and 160 MB of log, and no answer
/// with the broker's figures fitted into a frame any more.
#[tokio::test]
async fn long_texts_of_clients_are_neither_kept_nor_logged_whole() {
    let (lines, _listening) = Lines::listen("mq_core");
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.send(message("orders", 0), "x").await;
    let long = |letter: &str| letter.repeat(1_000_000);

    let members = [stage.client("first"), stage.client("second")];
    for (member, letter) in members.iter().zip(["x", "y"]) {
        let invented = PullMessage {
            expression_type: Some(long(letter).into()),
            ..pull("orders", 0, 0)
        };
        client.refused(invented).await;
        let consumer = ConsumerData {
            group_name: "g".into(),
            subscription_data_set: vec![SubscriptionData {
                topic: "orders".into(),
                sub_string: long(letter).into(),
                ..SubscriptionData::default()
            }],
            ..ConsumerData::default()
        };
        let data = HeartbeatData {
            client_id: long(letter).into(),
            consumer_data_set: vec![consumer],
            ..HeartbeatData::default()
        };
        let heartbeat = member.call_with(HeartBeat, fastjson::write(&data));
        heartbeat.await.unwrap();
    }

    for text in ["gets nothing of the topic", "different things"] {
        let line = lines.first(Level::WARN, text).unwrap();
        assert!(line.len() < 2_000, "{} bytes", line.len());
    }
    let reply = client.call(GetBrokerRuntimeInfo).await.unwrap();
    assert!(reply.body.len() < 10_000);
    let table = fastjson::read::<KvTable>(&reply.body).unwrap().table;
    assert_eq!(table["refusedSubscription_other"], "2");
    stage.stop().await;
}

/// A pull that waited kept to the tags of its beginning: what came under the new ones was passed
/// over.
#[tokio::test]
async fn a_pull_that_waits_gets_what_its_member_wants_by_then() {
    let clock = Clock::manual(0);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let client = stage.client("a");
    client.send(message("orders", 0), "old").await;
    client.wants("g", &[("orders", "A")], 1).await;
    let waits = waiting(registered(1, 1), MINUTE);

    let (messages, ()) = tokio::join!(bodies(&client, waits), async {
        stage.until_a_pull_waits().await;
        client.wants("g", &[("orders", "B")], 2).await;
        let by_tag = with(message("orders", 0), &[("TAGS", "B")]);
        client.send(by_tag, "new").await;
        clock.advance(5 * SECOND).await;
    });

    assert_eq!(messages, ["new"]);
    stage.stop().await;
}

#[tokio::test]
async fn a_group_without_members_is_refused_and_a_heartbeat_makes_its_retry_topic() {
    let stage = Stage::new().await;
    let client = stage.client("a");

    assert!(members(&client).await.is_empty());
    client.heartbeat("g", &[("orders", "*")]).await;
    assert!(client.everything("%RETRY%g", 0).await.is_empty());
    stage.stop().await;
}

#[tokio::test]
async fn a_new_group_begins_with_a_young_queue_and_elsewhere_is_told_that_nothing_is_known() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.send(message("orders", 0), "x").await;
    let header = QueryConsumerOffset {
        consumer_group: "new".into(),
        topic: "orders".into(),
        queue_id: 0,
        set_zero_if_not_found: None,
    };

    let young = client.call(header.clone()).await.unwrap();
    assert_eq!(young.header.offset, 0);
    let strict = QueryConsumerOffset {
        set_zero_if_not_found: Some(false),
        ..header
    };
    assert_eq!(client.refused(strict).await, ResponseCode::QUERY_NOT_FOUND);
    stage.stop().await;
}

/// A new group on an old queue once began at the end as soon as the first message lay 2 GiB back,
/// however much memory there was, and nobody was told.
#[tokio::test]
async fn a_new_group_begins_with_a_message_in_memory_and_the_log_says_once_why_another_does_not() {
    let (lines, _listening) = Lines::listen("mq_core::broker");
    let told = |text: &str| lines.count(Level::INFO, text);
    let in_memory = 10_000;
    let stage = Stage::with_store(
        |_| {},
        |config| StoreConfig {
            in_memory,
            ..config.store()
        },
    )
    .await;
    let client = stage.client("a");
    let begins = async |group: &'static str| {
        client.heartbeat(group, &[("orders", "*")]).await;
        let ask = || {
            client.call(QueryConsumerOffset {
                consumer_group: group.into(),
                topic: "orders".into(),
                queue_id: 0,
                set_zero_if_not_found: None,
            })
        };
        let (first, second) = (ask().await, ask().await);
        assert_eq!(first.is_ok(), second.is_ok());
        first.is_ok()
    };
    client.send(message("orders", 0), "first").await;

    assert!(begins("early").await);
    assert_eq!(
        told("a new group begins"),
        0,
        "at the beginning, as expected"
    );

    for _ in 0..3 {
        client
            .send(message("orders", 0), "x".repeat(5_000).leak())
            .await;
    }
    assert!(!begins("late").await);
    assert_eq!(told("a new group begins"), 1);
    let line = lines.first(Level::INFO, "a new group begins").unwrap();
    for part in [
        "late",
        "orders",
        "where its client says",
        "10000 bytes",
        "accessMessageInMemoryMaxRatio",
    ] {
        assert!(line.contains(part), "{line}");
    }
    stage.stop().await;
}

#[tokio::test]
async fn tags_are_understood_and_other_languages_are_refused() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    let check = async |kind: &'static str| {
        let subscription = SubscriptionData {
            expression_type: kind.into(),
            ..Default::default()
        };
        let body = CheckClientRequestBody {
            subscription_data: Some(subscription),
            ..CheckClientRequestBody::default()
        };
        client
            .call_with(CheckClientConfig, fastjson::write(&body))
            .await
    };

    assert!(check("TAG").await.is_ok());
    assert_eq!(
        code(check("XPATH").await),
        ResponseCode::SUBSCRIPTION_PARSE_FAILED
    );
    stage.stop().await;
}

#[tokio::test]
async fn one_member_at_a_time_holds_a_queue() {
    let clock = Clock::manual(0);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let (a, b) = (stage.client("a"), stage.client("b"));
    let body = |client: &Client, ids: &[i32]| {
        let topic = TopicName::new("orders").unwrap();
        fastjson::write(&LockBatchRequestBody {
            consumer_group: "g".into(),
            client_id: client.id.into(),
            mq_set: ids
                .iter()
                .map(|id| MessageQueue::new(topic.clone(), "broker-a", *id))
                .collect(),
            only_this_broker: false,
        })
    };
    let lock = async |client: &Client, ids: &[i32]| {
        let reply = client
            .call_with(LockBatchMq, body(client, ids))
            .await
            .unwrap();
        let held: LockBatchResponseBody = fastjson::read(&reply.body).unwrap();
        held.lock_ok_mq_set
            .iter()
            .map(|queue| queue.id)
            .collect::<Vec<_>>()
    };

    assert_eq!(lock(&a, &[0, 1]).await, [0, 1]);
    assert_eq!(lock(&b, &[0, 2]).await, [2]);
    a.call_with(UnlockBatchMq, body(&a, &[0])).await.unwrap();
    assert_eq!(lock(&b, &[0]).await, [0]);
    clock.advance(MINUTE + SECOND).await;
    assert_eq!(lock(&b, &[1]).await, [1]);
    stage.stop().await;
}

#[tokio::test]
async fn while_a_group_consumes_in_order_what_it_gives_up_is_a_dead_letter() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    let body = fastjson::write(&LockBatchRequestBody {
        consumer_group: "g".into(),
        client_id: "a".into(),
        mq_set: vec![MessageQueue::new(
            TopicName::new("orders").unwrap(),
            "broker-a",
            0,
        )],
        only_this_broker: false,
    });
    client.call_with(LockBatchMq, body).await.unwrap();

    client.send(message("%RETRY%g", 0), "stuck").await;

    assert!(client.everything("%RETRY%g", 0).await.is_empty());
    assert_eq!(client.everything("%DLQ%g", 0).await.len(), 1);
    stage.stop().await;
}
