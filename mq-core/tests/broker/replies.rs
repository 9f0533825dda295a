//! Replies that the broker cannot hand over; what is handed over is in the tests of the client.

use mq_core::wire::ResponseCode;
use mq_core::wire::header::{SendMessage, SendMessageV1, SendReplyMessage, SendReplyMessageV1};

use crate::stage::{Client, Stage, message, with};

const TOPIC: &str = "DefaultCluster_REPLY_TOPIC";

/// Sends a reply with these properties; gives code and remark of the refusal.
async fn refusal(
    client: &Client,
    queue: i32,
    properties: &[(&str, &str)],
) -> (ResponseCode, String) {
    let reply = SendReplyMessage(with(message(TOPIC, queue), properties));
    let refused = client.call_with(reply, "reply").await.unwrap_err();
    let refusal = refused.refusal().unwrap();
    (refusal.code, refusal.remark.to_string())
}

#[tokio::test]
async fn a_reply_that_nobody_takes_is_refused_and_kept() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.heartbeat("g", &[]).await;

    for (properties, remark) in [
        (&[][..], "reply message properties[REPLY_TO_CLIENT] is null"),
        (
            &[("REPLY_TO_CLIENT", "nobody")][..],
            "push reply message fail, channel of <nobody> not found.",
        ),
        // It is connected and knows no replies.
        (
            &[("REPLY_TO_CLIENT", "a")][..],
            "push reply message to a fail.",
        ),
    ] {
        let (code, said) = refusal(&client, 0, properties).await;
        assert_eq!((code, &*said), (ResponseCode::SYSTEM_ERROR, remark));
    }

    assert_eq!(client.everything(TOPIC, 0).await.len(), 3);
    stage.stop().await;
}

#[tokio::test]
async fn a_reply_to_a_queue_that_is_not_there_is_neither_pushed_nor_stored() {
    let stage = Stage::new().await;
    let client = stage.client("a");

    let (code, _) = refusal(&client, 7, &[("REPLY_TO_CLIENT", "a")]).await;

    assert_eq!(code, ResponseCode::INVALID_PARAMETER);
    assert!(client.everything(TOPIC, 0).await.is_empty());
    stage.stop().await;
}

/// 324, which Go's clients send.
#[tokio::test]
async fn long_names_are_answered_as_short_ones() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    let SendMessage {
        producer_group,
        topic,
        default_topic,
        default_topic_queue_nums,
        queue_id,
        born_timestamp,
        ..
    } = message(TOPIC, 0);
    let reply = SendReplyMessageV1(SendMessageV1 {
        producer_group,
        topic,
        default_topic,
        default_topic_queue_nums,
        queue_id,
        born_timestamp,
        ..SendMessageV1::default()
    });

    let refused = client.call_with(reply, "reply").await.unwrap_err();

    let remark = &refused.refusal().unwrap().remark;
    assert!(remark.contains("REPLY_TO_CLIENT"), "{remark}");
    assert_eq!(client.everything(TOPIC, 0).await.len(), 1);
    stage.stop().await;
}
