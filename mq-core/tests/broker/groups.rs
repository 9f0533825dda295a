//! Members come and go, share queues and lock them.

use mq_core::clock::Clock;
use mq_core::message::{MessageQueue, TopicName};
use mq_core::wire::ResponseCode;
use mq_core::wire::body::{CheckClientRequestBody, SubscriptionData};
use mq_core::wire::body::{ConsumerIds, LockBatchRequestBody, LockBatchResponseBody};
use mq_core::wire::fastjson;
use mq_core::wire::header::{
    CheckClientConfig, GetConsumerListByGroup, LockBatchMq, QueryConsumerOffset, UnlockBatchMq,
    UnregisterClient,
};

use crate::stage::{Client, MINUTE, SECOND, Stage, code, message};

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

#[tokio::test]
async fn tags_are_understood_and_conditions_are_refused_with_a_reason() {
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
    assert_eq!(code(check("SQL92").await), ResponseCode::SYSTEM_ERROR);
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
