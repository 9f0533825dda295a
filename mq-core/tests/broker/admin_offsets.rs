//! The offsets of groups seen as a whole, copied, and compared.

use std::collections::BTreeMap;

use mq_core::clock::Clock;
use mq_core::wire::body::{
    ConsumeStatsList, ConsumeTimeSpans, CorrectionOffsets, GroupSubscription, TopicList,
};
use mq_core::wire::header::{
    CloneGroupOffset, GetAllConsumerOffset, GetAllDelayOffset, GetBrokerConsumeStats,
    QueryConsumeTimeSpan, QueryConsumerOffset, QueryCorrectionOffset, QuerySubscriptionByConsumer,
    QueryTopicsByConsumer, UpdateConsumerOffset,
};
use mq_core::wire::{ResponseCode, fastjson};
use serde_json::Value;

use crate::stage::{Client, SECOND, Stage, message, pull};

async fn commit(client: &Client, group: &'static str, queue: i32, offset: i64) {
    let header = UpdateConsumerOffset {
        consumer_group: group.into(),
        topic: "orders".into(),
        queue_id: Some(queue),
        commit_offset: Some(offset),
    };
    client.call(header).await.unwrap();
}

async fn committed(client: &Client, group: &'static str, queue: i32) -> Option<i64> {
    let header = QueryConsumerOffset {
        consumer_group: group.into(),
        topic: "orders".into(),
        queue_id: queue,
        set_zero_if_not_found: Some(false),
    };
    let reply = client.call(header).await.ok()?;
    Some(reply.header.offset)
}

/// Three messages in queue 0 of `orders`, one a second, and two groups.
async fn with_messages(clock: Clock) -> (Stage, Client) {
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let client = stage.client("a");
    for _ in 0..3 {
        client.send(message("orders", 0), "x").await;
        clock.advance(SECOND).await;
    }
    for group in ["g", "h"] {
        client.heartbeat(group, &[("orders", "*")]).await;
    }
    (stage, client)
}

#[tokio::test]
async fn all_offsets_are_shown_as_they_are_saved() {
    let (stage, client) = with_messages(Clock::manual(1_000_000)).await;
    commit(&client, "g", 0, 2).await;

    let offsets = client.call(GetAllConsumerOffset).await.unwrap();
    let delays = client.call(GetAllDelayOffset).await.unwrap();

    let offsets: Value = fastjson::read(&offsets.body).unwrap();
    assert_eq!(offsets["offsetTable"]["orders@g"]["0"], 2);
    let delays: Value = fastjson::read(&delays.body).unwrap();
    assert!(delays["offsetTable"].is_object());
    stage.stop().await;
}

#[tokio::test]
async fn it_is_shown_when_what_a_group_has_consumed_was_stored() {
    let (stage, client) = with_messages(Clock::manual(1_000_000)).await;
    commit(&client, "g", 0, 2).await;
    let ask = |topic: &'static str, group: &'static str| {
        client.call(QueryConsumeTimeSpan {
            topic: topic.into(),
            group: group.into(),
        })
    };

    let spans = ask("orders", "g").await.unwrap();
    let spans: ConsumeTimeSpans = fastjson::read(&spans.body).unwrap();

    let [first, second, ..] = spans.consume_time_span_set.as_slice() else {
        panic!("{spans:?}");
    };
    assert_eq!(first.min_time_stamp, 1_000_000);
    assert_eq!(first.max_time_stamp, 1_002_000);
    assert_eq!(first.consume_time_stamp, 1_001_000);
    assert_eq!(first.delay_time, 1_000, "since the third came");
    assert_eq!(first.min_time_stamp_str, "1970-01-01#00:16:40:000");
    assert_eq!(second.min_time_stamp, -1);
    assert_eq!(second.delay_time, 0);
    let refused = client.refused(QueryConsumeTimeSpan {
        topic: "nothing".into(),
        group: "g".into(),
    });
    assert_eq!(refused.await, ResponseCode::TOPIC_NOT_EXIST);
    stage.stop().await;
}

#[tokio::test]
async fn the_smallest_offset_of_the_groups_is_compared_with_that_of_one() {
    let (stage, client) = with_messages(Clock::manual(1_000_000)).await;
    commit(&client, "g", 0, 1).await;
    commit(&client, "h", 0, 3).await;
    let ask = async |compare: &'static str, filter: Option<&'static str>| {
        let header = QueryCorrectionOffset {
            filter_groups: filter.map(Into::into),
            compare_group: compare.into(),
            topic: "orders".into(),
        };
        let reply = client.call(header).await.unwrap();
        let body: CorrectionOffsets = fastjson::read(&reply.body).unwrap();
        body.correction_offsets
    };

    assert_eq!(ask("h", None).await, BTreeMap::from([(0, 1)]));
    assert_eq!(ask("g", Some("g")).await, BTreeMap::from([(0, i64::MAX)]));
    assert_eq!(ask("h", Some("g,h")).await, BTreeMap::from([(0, i64::MAX)]));

    assert_eq!(
        committed(&client, "g", 0).await,
        Some(1),
        "a question removes nothing"
    );
    stage.stop().await;
}

#[tokio::test]
async fn a_group_gets_the_offsets_of_another() {
    let (stage, client) = with_messages(Clock::manual(1_000_000)).await;
    commit(&client, "g", 0, 2).await;
    let clone = |to: &'static str, topic: Option<&'static str>| CloneGroupOffset {
        src_group: "g".into(),
        dest_group: to.into(),
        topic: topic.map(Into::into),
        offline: true,
    };

    client.call(clone("h", Some("nothing"))).await.unwrap();
    assert_eq!(committed(&client, "h", 0).await, None);
    client.call(clone("h", Some("orders"))).await.unwrap();
    assert_eq!(committed(&client, "h", 0).await, Some(2));
    client.call(clone("i", None)).await.unwrap();
    assert_eq!(committed(&client, "i", 0).await, Some(2));

    let own = client.refused(clone("CID_RMQ_SYS_TRANS", Some("orders")));
    assert_eq!(own.await, ResponseCode::NO_PERMISSION);
    let invalid = client.refused(clone("no spaces", Some("orders")));
    assert_eq!(invalid.await, ResponseCode::INVALID_PARAMETER);
    stage.stop().await;
}

#[tokio::test]
async fn the_topics_of_a_group_and_its_subscription_are_shown() {
    let (stage, client) = with_messages(Clock::manual(1_000_000)).await;
    commit(&client, "g", 0, 2).await;
    client.heartbeat("g", &[("orders", "paid || sent")]).await;

    let topics = client
        .call(QueryTopicsByConsumer { group: "g".into() })
        .await
        .unwrap();
    let topics: TopicList = fastjson::read(&topics.body).unwrap();
    let subscription = async |group: &'static str| {
        let header = QuerySubscriptionByConsumer {
            group: group.into(),
            topic: Some("orders".into()),
        };
        let reply = client.call(header).await.unwrap();
        let body: GroupSubscription = fastjson::read(&reply.body).unwrap();
        body.subscription_data
    };

    assert_eq!(topics.topic_list, ["orders"]);
    assert_eq!(topics.broker_addr.as_deref(), Some(&*stage.address));
    let own = subscription("g").await.unwrap();
    assert_eq!(own.sub_string, "paid || sent");
    assert_eq!(subscription("nobody").await, None);
    stage.stop().await;
}

#[tokio::test]
async fn the_lag_of_all_groups_of_a_broker_is_summed() {
    let (stage, client) = with_messages(Clock::manual(1_000_000)).await;
    client.pull(pull("orders", 0, 0)).await;
    commit(&client, "g", 0, 2).await;
    commit(&client, "h", 0, 0).await;

    let all = client.call(GetBrokerConsumeStats { is_order: false }).await;
    let all: ConsumeStatsList = fastjson::read(&all.unwrap().body).unwrap();
    let ordered = client.call(GetBrokerConsumeStats { is_order: true }).await;
    let ordered: ConsumeStatsList = fastjson::read(&ordered.unwrap().body).unwrap();

    assert_eq!(all.total_diff, 1 + 3);
    assert_eq!(all.total_inflight_diff, 1, "the third was given to `g`");
    let of_g = all.consume_stats_list.iter().find_map(|map| map.get("g"));
    assert_eq!(of_g.unwrap()[0].offset_table.len(), 4);
    assert_eq!(ordered.total_diff, 0);
    assert_eq!(
        ordered.consume_stats_list.len(),
        all.consume_stats_list.len()
    );
    stage.stop().await;
}
