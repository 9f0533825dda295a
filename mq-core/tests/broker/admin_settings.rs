//! Settings that administrators change while the broker runs.

use mq_core::clock::Clock;
use mq_core::wire::ResponseCode;
use mq_core::wire::header::{GetBrokerConfig, UpdateBrokerConfig};

use crate::stage::{Client, Stage, code, message, pull};

async fn settings(client: &Client) -> String {
    let reply = client.call(GetBrokerConfig).await.unwrap();
    String::from_utf8(reply.body.to_vec()).unwrap()
}

#[tokio::test]
async fn a_broker_is_made_read_only_and_writable_again() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    client.send(message("orders", 0), "x").await;
    let change = |text: &'static str| client.call_with(UpdateBrokerConfig, text);

    change("brokerPermission=2\n").await.unwrap();
    let refused = client.refused(pull("orders", 0, 0)).await;
    assert_eq!(refused, ResponseCode::NO_PERMISSION);
    assert!(settings(&client).await.contains("brokerPermission=2\n"));
    change("brokerPermission=6\n").await.unwrap();

    let answer = client.pull(pull("orders", 0, 0)).await;
    assert_eq!(answer.code, ResponseCode::SUCCESS);
    stage.stop().await;
}

#[tokio::test]
async fn topics_and_groups_are_created_by_use_only_while_that_is_allowed() {
    let stage = Stage::with(Clock::system(), |config| {
        config.rules.auto_create_topic = false;
    })
    .await;
    let client = stage.client("a");
    let change = |text: &'static str| client.call_with(UpdateBrokerConfig, text);
    let refused = client.refused(message("orders", 0)).await;
    assert_eq!(refused, ResponseCode::TOPIC_NOT_EXIST);

    change("autoCreateTopicEnable=true\nautoCreateSubscriptionGroup=false")
        .await
        .unwrap();

    client.send(message("orders", 0), "x").await;
    let refused = client.refused(pull("orders", 0, 0)).await;
    assert_eq!(refused, ResponseCode::SUBSCRIPTION_GROUP_NOT_EXIST);
    stage.stop().await;
}

#[tokio::test]
async fn what_is_not_on_the_list_is_refused_and_then_nothing_is_changed() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    let before = settings(&client).await;
    for (text, expected) in [
        (
            "brokerPermission=4\nstorePathRootDir=/tmp",
            ResponseCode::NO_PERMISSION,
        ),
        (
            "brokerPermission=4\nbrokerConfigPath=/tmp",
            ResponseCode::NO_PERMISSION,
        ),
        (
            "brokerPermission=4\nnobodyKnows=1",
            ResponseCode::NO_PERMISSION,
        ),
        (
            "autoCreateTopicEnable=false\nbrokerPermission=9",
            ResponseCode::INVALID_PARAMETER,
        ),
        (
            "brokerPermission=4\nautoCreateTopicEnable=\\u00",
            ResponseCode::SYSTEM_ERROR,
        ),
    ] {
        let refused = client.call_with(UpdateBrokerConfig, text).await;
        assert_eq!(code(refused), expected, "{text}");
    }
    client.call_with(UpdateBrokerConfig, "").await.unwrap();

    assert_eq!(settings(&client).await, before);
    stage.stop().await;
}
