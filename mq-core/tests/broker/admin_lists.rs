//! Several topics or groups at once, attributes, what is forbidden to a group, and request modes.

use mq_core::wire::body::{
    GroupForbidden, RequestMode, RequestModes, SubscriptionGroupConfig, SubscriptionGroupList,
    SubscriptionGroups, TopicConfig, TopicConfigList, TopicConfigs,
};
use mq_core::wire::header::{
    GetAllMessageRequestMode, GetAllSubscriptionGroupConfig, GetAllTopicConfig, PullMessage,
    SetMessageRequestMode, UpdateAndCreateSubscriptionGroupList, UpdateAndCreateTopic,
    UpdateAndCreateTopicList, UpdateAndGetGroupForbidden,
};
use mq_core::wire::{ResponseCode, fastjson};

use crate::stage::{Client, Stage, code, message, pull};

fn topic(name: &'static str, queues: i32) -> TopicConfig {
    TopicConfig {
        topic_name: name.into(),
        read_queue_nums: queues,
        write_queue_nums: queues,
        ..TopicConfig::default()
    }
}

fn group(name: &'static str) -> SubscriptionGroupConfig {
    SubscriptionGroupConfig {
        group_name: name.into(),
        ..SubscriptionGroupConfig::default()
    }
}

async fn topics(client: &Client) -> TopicConfigs {
    let reply = client.call(GetAllTopicConfig::default()).await.unwrap();
    fastjson::read(&reply.body).unwrap()
}

async fn groups(client: &Client) -> SubscriptionGroups {
    let reply = client.call(GetAllSubscriptionGroupConfig::default()).await;
    fastjson::read(&reply.unwrap().body).unwrap()
}

#[tokio::test]
async fn topics_of_a_list_are_created_and_outlive_a_restart_also_beside_one_that_is_there() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    let create = async |topics: Vec<TopicConfig>| {
        let body = TopicConfigList {
            topic_config_list: topics,
        };
        client
            .call_with(UpdateAndCreateTopicList, fastjson::write(&body))
            .await
    };
    create(vec![topic("orders", 2)]).await.unwrap();

    let mut stock = topic("stock", 3);
    stock
        .attributes
        .insert("+message.type".into(), "FIFO".into());
    create(vec![topic("orders", 2), stock]).await.unwrap();

    let stage = stage.restarted().await;
    let all = topics(&stage.client("a")).await.topic_config_table;
    assert_eq!(all["orders"].write_queue_nums, 2);
    assert_eq!(all["stock"].read_queue_nums, 3);
    assert_eq!(&*all["stock"].attributes["message.type"], "FIFO");
    stage.stop().await;
}

#[tokio::test]
async fn a_list_with_a_topic_that_is_refused_creates_none() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    let before = topics(&client).await;
    let mut unknown = topic("unknown", 1);
    unknown.attributes.insert("+color".into(), "blue".into());
    for (refused, expected) in [
        (topic("TBW102", 1), ResponseCode::INVALID_PARAMETER),
        (topic("no spaces", 1), ResponseCode::INVALID_PARAMETER),
        (topic("many", 70_000), ResponseCode::INVALID_PARAMETER),
        (unknown, ResponseCode::SYSTEM_ERROR),
    ] {
        let body = TopicConfigList {
            topic_config_list: vec![topic("orders", 2), refused.clone()],
        };
        let outcome = client.call_with(UpdateAndCreateTopicList, fastjson::write(&body));
        assert_eq!(code(outcome.await), expected, "{refused:?}");
    }

    assert_eq!(topics(&client).await, before);
    stage.stop().await;
}

#[tokio::test]
async fn attributes_of_a_topic_are_those_that_brokers_know() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    let change = |attributes: &'static str| {
        client.call(UpdateAndCreateTopic {
            topic: "orders".into(),
            read_queue_nums: 1,
            write_queue_nums: 1,
            perm: 6,
            attributes: Some(attributes.into()),
            ..UpdateAndCreateTopic::default()
        })
    };
    change("+message.type=NORMAL").await.unwrap();

    change("+message.type=DELAY,+reserve.time=1000")
        .await
        .unwrap();
    for refused in ["+message.type=FAST", "+color=blue", "-queue.type", "color"] {
        assert_eq!(
            code(change(refused).await),
            ResponseCode::SYSTEM_ERROR,
            "{refused}"
        );
    }

    let attributes = &topics(&client).await.topic_config_table["orders"].attributes;
    assert_eq!(&*attributes["message.type"], "DELAY");
    assert_eq!(attributes.len(), 2);
    stage.stop().await;
}

#[tokio::test]
async fn groups_of_a_list_are_created_or_none() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    let create = async |groups: Vec<SubscriptionGroupConfig>| {
        let body = SubscriptionGroupList {
            group_config_list: groups,
        };
        client
            .call_with(UpdateAndCreateSubscriptionGroupList, fastjson::write(&body))
            .await
    };

    let refused = create(vec![group("shop"), group("no spaces")]).await;
    assert_eq!(code(refused), ResponseCode::INVALID_PARAMETER);
    assert!(
        !groups(&client)
            .await
            .subscription_group_table
            .contains_key("shop")
    );
    create(vec![group("shop"), group("bank")]).await.unwrap();

    let stage = stage.restarted().await;
    let all = groups(&stage.client("a")).await.subscription_group_table;
    assert!(all.contains_key("shop") && all.contains_key("bank"));
    stage.stop().await;
}

#[tokio::test]
async fn a_topic_is_forbidden_to_a_group_until_it_is_allowed_again() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    client.send(message("orders", 0), "x").await;
    // A subscription that comes with the pull is not held to what is forbidden.
    let pull = || PullMessage {
        sys_flag: 0,
        sub_version: 1,
        subscription: None,
        ..pull("orders", 0, 0)
    };
    let set = async |client: &Client, readable: Option<bool>| {
        let header = UpdateAndGetGroupForbidden {
            group: "g".into(),
            topic: "orders".into(),
            readable,
        };
        let reply = client.call(header).await.unwrap();
        let shown: GroupForbidden = fastjson::read(&reply.body).unwrap();
        shown.readable
    };
    assert!(set(&client, None).await);

    assert!(!set(&client, Some(false)).await);
    let refused = client.refused(pull()).await;
    assert_eq!(refused, ResponseCode::NO_PERMISSION);

    let stage = stage.restarted().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    assert!(!set(&client, None).await);
    assert!(set(&client, Some(true)).await);
    let answer = client.pull(pull()).await;
    assert_eq!(answer.code, ResponseCode::SUCCESS);
    stage.stop().await;
}

#[tokio::test]
async fn groups_pull_and_are_not_made_to_pop() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    client.send(message("orders", 0), "x").await;
    let set = async |topic: &'static str, group: &'static str, mode: &'static str| {
        let body = RequestMode {
            consumer_group: group.into(),
            mode: mode.into(),
            topic: topic.into(),
            ..RequestMode::default()
        };
        client
            .call_with(SetMessageRequestMode, fastjson::write(&body))
            .await
    };

    set("orders", "g", "PULL").await.unwrap();
    for (topic, group, mode, expected) in [
        (
            "orders",
            "g",
            "POP",
            ResponseCode::REQUEST_CODE_NOT_SUPPORTED,
        ),
        ("%RETRY%g", "g", "POP", ResponseCode::NO_PERMISSION),
        ("nothing", "g", "POP", ResponseCode::TOPIC_NOT_EXIST),
        (
            "orders",
            "nobody",
            "POP",
            ResponseCode::SUBSCRIPTION_GROUP_NOT_EXIST,
        ),
    ] {
        let refused = set(topic, group, mode).await;
        assert_eq!(code(refused), expected, "{topic} {group} {mode}");
    }

    let modes = client.call(GetAllMessageRequestMode).await.unwrap();
    let modes: RequestModes = fastjson::read(&modes.body).unwrap();
    assert!(modes.message_request_mode_map.is_empty());
    stage.stop().await;
}
