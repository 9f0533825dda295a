//! What administrators do to the store and see of it: files that expire, entries of queues, counters.

use std::sync::Arc;
use std::time::Duration;

use mq_core::clock::Clock;
use mq_core::store::disk::{Disk, MemoryDisk};
use mq_core::wire::body::{
    BrokerStatsData, ColdDataFlow, ConsumeQueueEntries, HaRuntimeInfo, TopicConfigs, TopicList,
};
use mq_core::wire::header::{
    CleanExpiredConsumeQueue, CleanUnusedTopic, DeleteExpiredCommitLog, GetBrokerHaStatus,
    GetColdDataFlowCtrInfo, GetMaxOffset, GetMinOffset, GetSystemTopicListFromBroker,
    QueryConsumeQueue, ResetMasterFlushOffset, SetCommitLogReadMode, ViewBrokerStatsData,
};
use mq_core::wire::{ResponseCode, fastjson};

use crate::stage::{Client, MINUTE, SECOND, Stage, message, pull, with};

async fn bounds(client: &Client, topic: &'static str) -> (i64, i64) {
    let min = client.call(GetMinOffset {
        topic: topic.into(),
        queue_id: 0,
    });
    let max = client.call(GetMaxOffset {
        topic: topic.into(),
        queue_id: 0,
        committed: None,
    });
    (
        min.await.unwrap().header.offset,
        max.await.unwrap().header.offset,
    )
}

#[tokio::test]
async fn system_topics_are_listed() {
    let stage = Stage::new().await;

    let list = stage.client("a").call(GetSystemTopicListFromBroker).await;
    let list: TopicList = fastjson::read(&list.unwrap().body).unwrap();

    for topic in [
        "TBW102",
        "SELF_TEST_TOPIC",
        "RMQ_SYS_TRACE_TOPIC",
        "DefaultCluster",
        "broker-a",
    ] {
        assert!(list.topic_list.iter().any(|own| own == topic), "{topic}");
    }
    stage.stop().await;
}

#[tokio::test]
async fn expired_messages_go_when_they_are_asked_to_whatever_the_hour_is_and_pulls_go_on_behind_them()
 {
    let clock = Clock::manual(1_800_000_000_000);
    let stage = Stage::with(clock.clone(), |config| {
        config.storage.segment_size = 64 * 1024;
        config.storage.retention.reserved = 5 * MINUTE;
        config.storage.retention.hours = Vec::new();
    })
    .await;
    let client = stage.client("a");
    let body = "x".repeat(10_000).leak();
    for _ in 0..20 {
        client.send(message("orders", 0), body).await;
    }
    client.call(DeleteExpiredCommitLog).await.unwrap();
    assert_eq!(bounds(&client, "orders").await, (0, 20), "nothing is old");
    clock.advance(Duration::from_mins(6)).await;
    client.send(message("orders", 0), "new").await;

    client.call(DeleteExpiredCommitLog).await.unwrap();
    client.call(CleanExpiredConsumeQueue).await.unwrap();

    let (min, max) = bounds(&client, "orders").await;
    assert!(min > 0, "{min}");
    assert_eq!(max, 21);
    for gone in [-1, 0, min - 1] {
        let moved = client.pull(pull("orders", 0, gone)).await;
        assert_eq!(moved.code, ResponseCode::PULL_OFFSET_MOVED, "at {gone}");
        assert_eq!(moved.remark.as_deref(), Some("OFFSET_TOO_SMALL"));
        let header = moved.header;
        assert_eq!((header.next_begin_offset, header.min_offset), (min, min));
    }
    for left in [min, 20] {
        let found = client.pull(pull("orders", 0, left)).await;
        assert_eq!(found.code, ResponseCode::SUCCESS, "at {left}");
    }
    stage.stop().await;
}

#[tokio::test]
async fn queues_whose_topic_is_not_there_any_more_are_removed_and_no_others() {
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::default());
    let config = Stage::config(|_| {});
    let stage = Stage::on(Arc::clone(&disk), config.clone(), Clock::system()).await;
    let client = stage.client("a");
    for topic in ["orders", "stock"] {
        client.send(message(topic, 0), "x").await;
    }
    stage.stop().await;
    drop((client, stage));
    // Somebody has taken the topic out of the file, and of its backup.
    for name in ["topics.json", "topics.json.bak"] {
        let path = std::path::Path::new("/store/config").join(name);
        let Some(file) = disk.read(&path).unwrap() else {
            continue;
        };
        let mut topics: TopicConfigs = fastjson::read(&file).unwrap();
        topics.topic_config_table.remove("orders");
        disk.replace(&path, &fastjson::write(&topics)).unwrap();
    }
    let stage = Stage::on(disk, config, Clock::system()).await;
    let client = stage.client("a");
    assert_eq!(bounds(&client, "orders").await, (0, 1));

    client.call(CleanUnusedTopic).await.unwrap();

    assert_eq!(bounds(&client, "orders").await, (0, 0));
    assert_eq!(bounds(&client, "stock").await, (0, 1));
    let sent = client.send(message("orders", 0), "y").await;
    assert_eq!(sent.queue_offset, 0);
    stage.stop().await;
}

#[tokio::test]
async fn the_entries_of_a_queue_are_shown() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    for tag in ["paid", "sent", "paid"] {
        client
            .send(with(message("orders", 0), &[("TAGS", tag)]), "x")
            .await;
    }
    client.heartbeat("g", &[("orders", "paid")]).await;
    let ask = |index, count, group: Option<&'static str>| {
        client.call(QueryConsumeQueue {
            topic: Some("orders".into()),
            queue_id: 0,
            index,
            count,
            consumer_group: group.map(Into::into),
        })
    };

    let shown = ask(1, 10, Some("g")).await.unwrap();
    let shown: ConsumeQueueEntries = fastjson::read(&shown.body).unwrap();
    assert_eq!((shown.min_queue_index, shown.max_queue_index), (0, 3));
    let entries = shown.queue_data.unwrap();
    let codes: Vec<_> = entries.iter().map(|entry| entry.tags_code).collect();
    // What `"sent".hashCode()` and `"paid".hashCode()` are in Java.
    assert_eq!(codes, [3_526_552, 3_433_164]);
    assert!(entries[0].physic_offset > 0 && entries[0].physic_size > 0);
    assert_eq!(shown.subscription_data.unwrap().sub_string, "paid");
    let stranger = ask(0, 1, Some("h")).await.unwrap();
    let stranger: ConsumeQueueEntries = fastjson::read(&stranger.body).unwrap();
    assert_eq!(
        stranger.filter_data.as_deref(),
        Some("h@orders is not online!")
    );
    assert_eq!(stranger.queue_data.unwrap().len(), 1);

    let beyond = ask(3, 10, None).await.unwrap();
    assert!(beyond.body.is_empty());
    assert!(beyond.remark.unwrap().contains("Index 3 of 0@orders"));
    let missing = QueryConsumeQueue {
        topic: Some("nothing".into()),
        ..QueryConsumeQueue::default()
    };
    assert_eq!(client.refused(missing).await, ResponseCode::SYSTEM_ERROR);
    stage.stop().await;
}

#[tokio::test]
async fn what_was_stored_and_delivered_lately_is_counted() {
    let clock = Clock::manual(1_800_000_000_000);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    for queue in [0, 0, 1] {
        client.send(message("orders", queue), "x").await;
    }
    client.pull(pull("orders", 0, 0)).await;
    let ask = |name: &'static str, key: &'static str| ViewBrokerStatsData {
        stats_name: name.into(),
        stats_key: key.into(),
    };
    let sums = async |name, key| {
        let reply = client.call(ask(name, key)).await.unwrap();
        let data: BrokerStatsData = fastjson::read(&reply.body).unwrap();
        [
            data.stats_minute.sum,
            data.stats_hour.sum,
            data.stats_day.sum,
        ]
    };

    assert_eq!(sums("TOPIC_PUT_NUMS", "orders").await, [3, 3, 3]);
    assert_eq!(sums("GROUP_GET_NUMS", "orders@g").await, [2, 2, 2]);
    clock.advance(2 * MINUTE).await;
    clock.advance(SECOND).await;
    assert_eq!(sums("TOPIC_PUT_NUMS", "orders").await, [0, 3, 3]);
    assert_eq!(sums("GROUP_GET_NUMS", "orders@g").await, [0, 2, 2]);

    for unknown in [
        ask("TOPIC_PUT_NUMS", "nothing"),
        ask("GROUP_GET_NUMS", "orders@nobody"),
        ask("GROUP_GET_NUMS", "orders"),
        ask("NO_SUCH_NUMS", "orders"),
    ] {
        assert_eq!(client.refused(unknown).await, ResponseCode::SYSTEM_ERROR);
    }
    stage.stop().await;
}

#[tokio::test]
async fn a_broker_without_slaves_says_so() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.send(message("orders", 0), "x").await;

    let status = client.call(GetBrokerHaStatus).await.unwrap();
    let status: HaRuntimeInfo = fastjson::read(&status.body).unwrap();
    assert!(status.master && status.master_commit_log_max_offset > 0);
    assert_eq!(status.in_sync_slave_nums, 0);
    let reset = ResetMasterFlushOffset {
        master_flush_offset: Some(5),
    };
    client.call(reset).await.unwrap();
    let cold = client.call(GetColdDataFlowCtrInfo).await.unwrap();
    let cold: ColdDataFlow = fastjson::read(&cold.body).unwrap();
    assert_eq!(cold, ColdDataFlow::default());

    let mode = |mode: Option<&'static str>| SetCommitLogReadMode {
        mode: mode.map(Into::into),
    };
    client.call(mode(Some("0"))).await.unwrap();
    for (refused, expected) in [
        (Some("1"), ResponseCode::REQUEST_CODE_NOT_SUPPORTED),
        (Some("4"), ResponseCode::INVALID_PARAMETER),
        (Some("fast"), ResponseCode::SYSTEM_ERROR),
        (None, ResponseCode::SYSTEM_ERROR),
    ] {
        let code = client.refused(mode(refused)).await;
        assert_eq!(code, expected, "{refused:?}");
    }
    stage.stop().await;
}
