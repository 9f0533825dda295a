//! Topics, groups, look-ups, figures, resets, retention.

use std::sync::Arc;
use std::time::Duration;

use mq_core::broker::config::BrokerConfig;
use mq_core::clock::Clock;
use mq_core::message::record::decode_all;
use mq_core::message::{MessageQueue, TopicName};
use mq_core::settings::Setting;
use mq_core::store::disk::{Fault, FaultyDisk};
use mq_core::wire::body::{
    KvTable, ResetOffsetBody, SubscriptionGroupConfig, SubscriptionGroups, TopicConfig,
    TopicConfigs, TopicStatsTable,
};
use mq_core::wire::header::{
    BoundaryType, DeleteSubscriptionGroup, DeleteTopicInBroker, GetAllSubscriptionGroupConfig,
    GetAllTopicConfig, GetAllTopicListFromNameserver, GetBrokerConfig, GetBrokerRuntimeInfo,
    GetEarliestMsgStoreTime, GetMaxOffset, GetMinOffset, GetSubscriptionGroupConfig,
    GetTopicConfig, GetTopicStatsInfo, InvokeBrokerToResetOffset, PullMessage, QueryMessage,
    SearchOffsetByTimestamp, UpdateAndCreateSubscriptionGroup, UpdateAndCreateTopic,
    ViewMessageById,
};
use mq_core::wire::{ResponseCode, fastjson};

use crate::stage::{Client, MINUTE, SECOND, Stage, message, pull, with};

fn create(topic: &'static str, queues: i32) -> UpdateAndCreateTopic {
    UpdateAndCreateTopic {
        topic: topic.into(),
        read_queue_nums: queues,
        write_queue_nums: queues,
        perm: 6,
        ..UpdateAndCreateTopic::default()
    }
}

async fn topics(client: &Client) -> TopicConfigs {
    fastjson::read(
        &client
            .call(GetAllTopicConfig::default())
            .await
            .unwrap()
            .body,
    )
    .unwrap()
}

async fn max(client: &Client, topic: &'static str, queue_id: i32) -> i64 {
    let header = GetMaxOffset {
        topic: topic.into(),
        queue_id,
        committed: None,
    };
    client.call(header).await.unwrap().header.offset
}

async fn min(client: &Client, topic: &'static str, queue_id: i32) -> i64 {
    let header = GetMinOffset {
        topic: topic.into(),
        queue_id,
    };
    client.call(header).await.unwrap().header.offset
}

#[tokio::test]
async fn topics_are_created_shown_changed_and_outlive_a_restart() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    let before = topics(&client).await.data_version.counter;

    client.call(create("orders", 3)).await.unwrap();
    client.call(create("orders", 3)).await.unwrap();

    let all = topics(&client).await;
    assert_eq!(all.data_version.counter, before + 1);
    assert_eq!(all.topic_config_table["orders"].read_queue_nums, 3);
    for own in ["TBW102", "SELF_TEST_TOPIC", "DefaultCluster", "broker-a"] {
        assert!(all.topic_config_table.contains_key(own), "{own}");
        let invalid = ResponseCode::INVALID_PARAMETER;
        assert_eq!(client.refused(create(own, 1)).await, invalid);
        let delete = DeleteTopicInBroker { topic: own.into() };
        assert_eq!(client.refused(delete).await, invalid);
    }

    let stage = stage.restarted().await;
    let header = GetTopicConfig {
        topic: "orders".into(),
        logical: None,
    };
    let shown = stage.client("a").call(header).await.unwrap();
    let config: TopicConfig = fastjson::read(&shown.body).unwrap();
    assert_eq!(config.write_queue_nums, 3);
    stage.stop().await;
}

#[tokio::test]
async fn the_trace_topic_is_there_from_the_start_with_its_own_name_or_not_at_all() {
    for (words, topic, queues) in [
        (&[][..], "RMQ_SYS_TRACE_TOPIC", Some(1)),
        (&["msgTraceTopicName=my-traces"], "my-traces", Some(1)),
        (&["traceTopicEnable=false"], "RMQ_SYS_TRACE_TOPIC", None),
    ] {
        let settings = words.iter().map(|word| Setting::from_word(word).unwrap());
        let (read, _warnings) = BrokerConfig::from_settings(settings.collect()).unwrap();
        let change = |config: &mut BrokerConfig| config.rules.traces = read.rules.traces;
        let stage = Stage::with(Clock::system(), change).await;
        let client = stage.client("a");

        let all = topics(&client).await.topic_config_table;
        assert_eq!(all.get(topic).map(|config| config.write_queue_nums), queues);
        let delete = DeleteTopicInBroker {
            topic: topic.into(),
        };
        let refused = client.refused(delete).await;
        assert_eq!(refused, ResponseCode::INVALID_PARAMETER, "{topic}");
        stage.stop().await;
    }
}

/// The topic once stood in memory only when the disk had been full: whoever tried again was told
/// that all was well.
#[tokio::test]
async fn a_topic_that_found_no_room_is_on_disk_when_whoever_tries_again_is_answered() {
    for by_sending in [true, false] {
        let disk = FaultyDisk::default();
        let start =
            async |disk| Stage::on(Arc::new(disk), Stage::config(|_| {}), Clock::system()).await;
        let stage = start(disk.clone()).await;
        let client = stage.client("a");
        let ask = async || {
            if by_sending {
                client.call(message("orders", 0)).await.map(drop)
            } else {
                client.call(create("orders", 3)).await.map(drop)
            }
        };
        disk.set_fault(Some(Fault::Full));
        let refused = ask().await.unwrap_err();
        assert_eq!(refused.refusal().unwrap().code, ResponseCode::SYSTEM_ERROR);
        disk.set_fault(None);

        ask().await.unwrap();

        let again = start(disk.crash(|| false)).await;
        let topics = topics(&again.client("b")).await.topic_config_table;
        assert!(topics.contains_key("orders"), "by sending: {by_sending}");
        again.stop().await;
    }
}

#[tokio::test]
async fn a_deleted_topic_takes_its_messages_and_offsets_along_for_good() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    for _ in 0..3 {
        client.send(message("orders", 0), "old").await;
    }
    client.commit("orders", 0, 2).await;

    client
        .call(DeleteTopicInBroker {
            topic: "orders".into(),
        })
        .await
        .unwrap();

    assert_eq!(
        client.refused(pull("orders", 0, 0)).await,
        ResponseCode::TOPIC_NOT_EXIST
    );
    let stage = stage.restarted().await;
    let client = stage.client("a");
    assert_eq!(client.committed("orders", 0).await, None);
    client.send(message("orders", 0), "new").await;
    let messages = client.everything("orders", 0).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].message.body, "new");
    stage.stop().await;
}

/// A send that made the topic anew between its removal and the mark of its deletion was once
/// acknowledged and lost: the mark came to lie behind it.
#[test]
fn a_topic_is_not_made_anew_before_its_deletion_has_ended() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(async {
        let stage = Stage::new().await;
        let client = stage.client("a");
        client.send(message("orders", 0), "old").await;
        // The only thread that deletions have is busy.
        let (free, busy) = std::sync::mpsc::channel::<()>();
        let thread = tokio::task::spawn_blocking(move || busy.recv().unwrap());
        let topic = "orders".into();
        let delete = client.call(DeleteTopicInBroker { topic });
        let send = client.call_with(message("orders", 0), "new");
        let make = client.call(create("orders", 4));
        let during = async {
            let all = topics(&client).await.topic_config_table;
            assert!(!all.contains_key("orders"), "made during the deletion");
            free.send(()).unwrap();
        };

        let outcomes = tokio::join!(biased; delete, send, make, during);

        outcomes.0.unwrap();
        outcomes.1.unwrap();
        outcomes.2.unwrap();
        thread.await.unwrap();
        let messages = client.everything("orders", 0).await;
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].message.body, "new");
        stage.stop().await;
    });
}

#[tokio::test]
async fn groups_are_created_shown_and_deleted_with_their_offsets() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.send(message("orders", 0), "x").await;
    let config = SubscriptionGroupConfig {
        group_name: "g".into(),
        consume_enable: false,
        ..SubscriptionGroupConfig::default()
    };
    let update = async |config: &SubscriptionGroupConfig| {
        let body = fastjson::write(config);
        client
            .call_with(UpdateAndCreateSubscriptionGroup, body)
            .await
            .unwrap();
    };

    update(&config).await;
    assert_eq!(
        client.refused(pull("orders", 0, 0)).await,
        ResponseCode::NO_PERMISSION
    );
    update(&SubscriptionGroupConfig {
        consume_enable: true,
        ..config
    })
    .await;
    assert_eq!(
        client.pull(pull("orders", 0, 0)).await.code,
        ResponseCode::SUCCESS
    );
    let shown = client
        .call(GetSubscriptionGroupConfig { group: "g".into() })
        .await
        .unwrap();
    let shown: SubscriptionGroupConfig = fastjson::read(&shown.body).unwrap();
    assert!(shown.consume_enable);

    client.commit("orders", 0, 1).await;
    let delete = DeleteSubscriptionGroup {
        group_name: "g".into(),
        clean_offset: true,
    };
    client.call(delete).await.unwrap();
    let all = client
        .call(GetAllSubscriptionGroupConfig::default())
        .await
        .unwrap();
    let all: SubscriptionGroups = fastjson::read(&all.body).unwrap();
    assert!(!all.subscription_group_table.contains_key("g"));
    assert_eq!(client.committed("orders", 0).await, None);
    stage.stop().await;
}

/// Messages of the topic with this key, whenever they came.
fn by_key(key: &'static str) -> QueryMessage {
    QueryMessage {
        topic: "orders".into(),
        key: key.into(),
        max_num: 10,
        begin_timestamp: 0,
        end_timestamp: i64::MAX,
        unique_key: None,
    }
}

#[tokio::test]
async fn messages_are_found_by_key_and_by_unique_id() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client
        .send(
            with(
                message("orders", 0),
                &[("KEYS", "k1 k2"), ("UNIQ_KEY", "U1")],
            ),
            "one",
        )
        .await;
    client
        .send(
            with(message("orders", 1), &[("KEYS", "k2"), ("UNIQ_KEY", "U2")]),
            "two",
        )
        .await;
    client
        .send(with(message("stock", 0), &[("KEYS", "k2")]), "other")
        .await;
    let query = |key: &'static str, unique| QueryMessage {
        unique_key: Some(unique),
        ..by_key(key)
    };
    let found = async |query: QueryMessage| {
        let body = client.call(query).await.unwrap().body;
        let mut bodies: Vec<_> = decode_all(body)
            .unwrap()
            .into_iter()
            .map(|found| found.message.body)
            .collect();
        bodies.sort_unstable();
        bodies
    };

    assert_eq!(found(query("k2", false)).await, ["one", "two"]);
    assert_eq!(found(query("k1", false)).await, ["one"]);
    assert_eq!(found(query("U2", true)).await, ["two"]);
    for nothing in [
        query("k1", true),
        query("k3", false),
        QueryMessage {
            end_timestamp: 1,
            ..query("k1", false)
        },
    ] {
        assert_eq!(client.refused(nothing).await, ResponseCode::QUERY_NOT_FOUND);
    }
    for offset in [-1, 3, 1_000_000] {
        let view = ViewMessageById {
            offset,
            topic: None,
        };
        assert_eq!(client.refused(view).await, ResponseCode::SYSTEM_ERROR);
    }
    stage.stop().await;
}

/// Whoever asked for a key of many long messages once lost its connection over the answer.
#[tokio::test]
async fn what_is_found_by_key_fits_into_a_frame_that_the_asker_takes() {
    let large = |config: &mut BrokerConfig| config.storage.segment_size = 64 * 1024 * 1024;
    let stage = Stage::with(Clock::system(), large).await;
    let client = stage.client("a");
    for _ in 0..6 {
        let header = with(message("orders", 0), &[("KEYS", "k1")]);
        client.call_with(header, vec![7; 4_000_000]).await.unwrap();
    }
    let answer = client.call(by_key("k1")).await.unwrap();

    assert_eq!(decode_all(answer.body).unwrap().len(), 4);
    stage.stop().await;
}

#[tokio::test]
async fn without_the_index_nothing_is_found_by_key() {
    let stage = Stage::with(Clock::system(), |config| config.storage.index = false).await;
    let client = stage.client("a");
    client
        .send(with(message("orders", 0), &[("KEYS", "k1")]), "one")
        .await;
    assert_eq!(
        client.refused(by_key("k1")).await,
        ResponseCode::QUERY_NOT_FOUND
    );
    stage.stop().await;
}

#[tokio::test]
async fn a_queue_knows_where_it_begins_where_it_ends_and_what_lay_when() {
    let clock = Clock::manual(1_000_000);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let client = stage.client("a");
    for _ in 0..3 {
        client.send(message("orders", 0), "x").await;
        clock.advance(SECOND).await;
    }
    let at = async |timestamp, boundary_type| {
        let header = SearchOffsetByTimestamp {
            topic: "orders".into(),
            queue_id: 0,
            timestamp,
            boundary_type,
        };
        client.call(header).await.unwrap().header.offset
    };

    assert_eq!(
        (
            min(&client, "orders", 0).await,
            max(&client, "orders", 0).await
        ),
        (0, 3)
    );
    assert_eq!(
        (
            min(&client, "nothing", 0).await,
            max(&client, "nothing", 0).await
        ),
        (0, 0)
    );
    assert_eq!(at(1_000_500, BoundaryType::Lower).await, 1);
    assert_eq!(at(1_000_500, BoundaryType::Upper).await, 0);
    assert_eq!(at(9_000_000, BoundaryType::Lower).await, 3);
    assert_eq!(at(9_000_000, BoundaryType::Upper).await, 2);
    let earliest = |topic: &'static str| {
        client.call(GetEarliestMsgStoreTime {
            topic: topic.into(),
            queue_id: 0,
        })
    };
    assert_eq!(
        earliest("orders").await.unwrap().header.timestamp,
        1_000_000
    );
    assert_eq!(earliest("nothing").await.unwrap().header.timestamp, -1);
    stage.stop().await;
}

#[tokio::test]
async fn the_figures_have_every_key_that_tools_read() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.send(message("orders", 0), "x").await;
    client.pull(pull("orders", 0, 0)).await;

    let reply = client.call(GetBrokerRuntimeInfo).await.unwrap();
    let table = fastjson::read::<KvTable>(&reply.body).unwrap().table;

    assert_eq!(table["msgPutTotalTodayNow"], "1");
    assert_eq!(table["msgGetTotalTodayNow"], "1");
    assert_eq!(table["scheduleMessageOffset_18"], "0,0");
    assert_eq!(table["brokerVersionDesc"], "V5_3_3");
    for tps in ["putTps", "getTransferedTps", "getTransferredTps"] {
        let parts: Vec<f64> = table[tps]
            .split(' ')
            .map(|part| part.parse().unwrap())
            .collect();
        assert_eq!(parts.len(), 3);
    }
    for number in [
        "timerReadBehind",
        "pageCacheLockTimeMills",
        "earliestMessageTimeStamp",
    ] {
        assert!(table[number].parse::<i64>().is_ok(), "{number}");
    }
    stage.stop().await;
}

/// A Java consumer whose start was refused went on pulling: 1,700 refusals, and nothing said so.
#[tokio::test]
async fn what_is_refused_is_counted_among_the_figures() {
    let stage = Stage::with(Clock::system(), |config| {
        config.rules.filters.conditions = false;
    })
    .await;
    let client = stage.client("a");
    client.send(message("orders", 0), "x").await;
    let by_condition = PullMessage {
        expression_type: Some("SQL92".into()),
        ..pull("orders", 0, 0)
    };

    for _ in 0..3 {
        client.refused(by_condition.clone()).await;
        let code = client.refused(GetAllTopicListFromNameserver).await;
        assert_eq!(code, ResponseCode::REQUEST_CODE_NOT_SUPPORTED);
    }

    let reply = client.call(GetBrokerRuntimeInfo).await.unwrap();
    let table = fastjson::read::<KvTable>(&reply.body).unwrap().table;
    assert_eq!(table["unsupportedRequest_206"], "3");
    assert_eq!(table["refusedSubscription_SQL92"], "3");
    stage.stop().await;
}

#[tokio::test]
async fn the_settings_are_shown_under_apache_s_keys() {
    let stage = Stage::with(Clock::system(), |config| config.rules.default_queues = 5).await;

    let reply = stage.client("a").call(GetBrokerConfig).await.unwrap();
    let text = String::from_utf8(reply.body.to_vec()).unwrap();

    for line in [
        "brokerName=broker-a",
        "defaultTopicQueueNums=5",
        "flushDiskType=SYNC_FLUSH",
    ] {
        assert!(
            text.lines().any(|own| own == line),
            "{line} is not in {text}"
        );
    }
    assert!(reply.header.version.is_some());
    stage.stop().await;
}

#[tokio::test]
async fn a_group_is_sent_back_and_hears_of_it_with_its_next_pull() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    for _ in 0..5 {
        client.send(message("orders", 0), "x").await;
    }
    client.commit("orders", 0, 5).await;
    let reset = InvokeBrokerToResetOffset {
        topic: "orders".into(),
        group: "g".into(),
        queue_id: None,
        offset: None,
        timestamp: 0,
        is_force: true,
    };

    let body = client.call(reset.clone()).await.unwrap().body;
    let targets: ResetOffsetBody = fastjson::read(&body).unwrap();
    assert_eq!(targets.offset_table.len(), 4);
    client.commit("orders", 0, 5).await;
    assert_eq!(client.committed("orders", 0).await, Some(0));
    for _lost in 0..2 {
        let told = client.pull(pull("orders", 0, 5)).await;
        let answer = (told.code, told.header.next_begin_offset);
        assert_eq!(answer, (ResponseCode::PULL_OFFSET_MOVED, 0));
    }
    assert_eq!(client.everything("orders", 0).await.len(), 5);
    assert_eq!(
        client.pull(pull("orders", 0, 5)).await.code,
        ResponseCode::PULL_NOT_FOUND
    );

    let beyond = InvokeBrokerToResetOffset {
        queue_id: Some(0),
        offset: Some(9),
        ..reset.clone()
    };
    assert_eq!(client.refused(beyond).await, ResponseCode::SYSTEM_ERROR);
    let nowhere = InvokeBrokerToResetOffset {
        topic: "nothing".into(),
        ..reset
    };
    assert_eq!(client.refused(nowhere).await, ResponseCode::TOPIC_NOT_EXIST);
    stage.stop().await;
}

#[tokio::test]
async fn what_is_older_than_it_is_kept_goes_and_the_rest_stays() {
    let clock = Clock::manual(1_800_000_000_000);
    let stage = Stage::with(clock.clone(), |config| {
        config.storage.segment_size = 64 * 1024;
        config.storage.retention.reserved = 5 * MINUTE;
        config.storage.retention.hours = (0..24).collect();
    })
    .await;
    let body = "x".repeat(10_000).leak();
    let client = stage.client("a");
    for _ in 0..20 {
        client.send(message("orders", 0), body).await;
    }
    clock.advance(4 * MINUTE).await;
    assert_eq!(min(&client, "orders", 0).await, 0);

    clock.advance(Duration::from_mins(2)).await;
    let fresh = client.send(message("orders", 0), "fresh").await;
    let begun = clock.moment();
    while min(&client, "orders", 0).await == 0 {
        assert!(clock.moment().since(begun) < MINUTE, "nothing was removed");
        clock.advance(SECOND).await;
    }

    let min = min(&client, "orders", 0).await;
    assert_eq!(
        (fresh.queue_offset, max(&client, "orders", 0).await),
        (20, 21)
    );
    assert_eq!(
        client
            .pull(pull("orders", 0, 0))
            .await
            .header
            .next_begin_offset,
        min
    );
    let last = client.pull(pull("orders", 0, 20)).await;
    assert_eq!(decode_all(last.body).unwrap()[0].message.body, "fresh");
    let figures = client.call(GetTopicStatsInfo {
        topic: "orders".into(),
    });
    let figures: TopicStatsTable = fastjson::read(&figures.await.unwrap().body).unwrap();
    let queue = MessageQueue::new(TopicName::new("orders").unwrap(), "broker-a", 0);
    assert_eq!(figures.offset_table[&queue].min_offset, min);
    stage.stop().await;
}

#[tokio::test]
async fn on_a_disk_that_fills_up_old_messages_go_then_any_and_at_last_none_is_taken() {
    let clock = Clock::manual(1_800_000_000_000);
    let disk = FaultyDisk::default();
    let config = Stage::config(|config| {
        config.storage.segment_size = 64 * 1024;
        config.storage.retention.reserved = 5 * MINUTE;
        config.storage.retention.hours = Vec::new();
    });
    let stage = Stage::on(Arc::new(disk.clone()), config, clock.clone()).await;
    let body = "x".repeat(10_000).leak();
    let client = stage.client("a");
    let fill = async || {
        for _ in 0..20 {
            client.send(message("orders", 0), body).await;
        }
        clock.advance(MINUTE).await;
    };
    let becomes = async |condition: &dyn Fn(i64) -> bool| {
        let begun = clock.moment();
        while !condition(min(&client, "orders", 0).await) {
            assert!(clock.moment().since(begun) < MINUTE, "nothing was removed");
            clock.advance(SECOND).await;
        }
    };
    fill().await;
    clock.advance(5 * MINUTE).await;
    fill().await;
    assert_eq!(min(&client, "orders", 0).await, 0, "it is not the hour");

    disk.set_fault(Some(Fault::Used(80)));
    becomes(&|min| min > 0).await;
    clock.advance(MINUTE).await;
    assert!(min(&client, "orders", 0).await <= 20, "they are not old");
    disk.set_fault(Some(Fault::Used(86)));
    becomes(&|min| min > 20).await;

    disk.set_fault(Some(Fault::Used(91)));
    for expected in [Some(ResponseCode::SERVICE_NOT_AVAILABLE), None] {
        let begun = clock.moment();
        loop {
            let sent = client.call_with(message("orders", 0), "y").await;
            let refusal = sent.err().map(|error| error.refusal().unwrap().code);
            if refusal == expected {
                break;
            }
            assert!(clock.moment().since(begun) < MINUTE, "{refusal:?}");
            clock.advance(SECOND).await;
        }
        disk.set_fault(None);
    }
    stage.stop().await;
}
