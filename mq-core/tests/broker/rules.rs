//! Who is let in, and with which code the others are refused.

use mq_core::broker::config::BrokerConfig;
use mq_core::clock::Clock;
use mq_core::wire::body::SubscriptionGroupConfig;
use mq_core::wire::header::{
    GetConsumerListByGroup, LitePullMessage, PullMessage, SendBatchMessage, SendMessage,
    UpdateAndCreateSubscriptionGroup, UpdateAndCreateTopic, UpdateConsumerOffset,
};
use mq_core::wire::{NoFields, Request, RequestCode, ResponseCode, fastjson};
use mq_macros::Header;

use crate::stage::{Stage, code, message, pull, with};

#[derive(Clone, Debug, Header)]
struct Unheard;

impl Request for Unheard {
    const CODE: RequestCode = RequestCode(31_999);
    type Reply = NoFields;
}

#[tokio::test]
async fn an_unknown_code_is_answered_with_3_at_once() {
    let stage = Stage::new().await;

    let code = stage.client("a").refused(Unheard).await;

    assert_eq!(code, ResponseCode::REQUEST_CODE_NOT_SUPPORTED);
    stage.stop().await;
}

/// The broker's own topics, except for the template and those of groups: clients of Apache's send to
/// retry topics when a broker does not take a message back.
#[tokio::test]
async fn the_topics_that_apache_closes_are_closed_and_no_others() {
    let stage = Stage::new().await;
    let client = stage.client("a");

    for closed in [
        "SCHEDULE_TOPIC_XXXX",
        "RMQ_SYS_TRANS_HALF_TOPIC",
        "RMQ_SYS_TRANS_OP_HALF_TOPIC",
        "TRANS_CHECK_MAX_TIME_TOPIC",
        "SELF_TEST_TOPIC",
        "OFFSET_MOVED_EVENT",
    ] {
        let refused = client.call_with(message(closed, 0), "x").await;
        assert_eq!(code(refused), ResponseCode::NO_PERMISSION, "{closed}");
    }
    for open in ["TBW102", "%RETRY%g", "%DLQ%g", "BenchmarkTest"] {
        client.send(message(open, 0), "x").await;
    }
    stage.stop().await;
}

#[tokio::test]
async fn sends_are_refused_by_rule() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.send(message("orders", 3), "x").await;
    let cases = [
        (message("a/b", 0), ResponseCode::INVALID_PARAMETER),
        (message("..", 0), ResponseCode::INVALID_PARAMETER),
        (message("", 0), ResponseCode::INVALID_PARAMETER),
        (
            message("SCHEDULE_TOPIC_XXXX", 0),
            ResponseCode::NO_PERMISSION,
        ),
        (message("SELF_TEST_TOPIC", 0), ResponseCode::NO_PERMISSION),
        (message("orders", 4), ResponseCode::INVALID_PARAMETER),
        (
            SendMessage {
                sys_flag: 4,
                ..message("orders", 0)
            },
            ResponseCode::MESSAGE_ILLEGAL,
        ),
        (
            with(message("orders", 0), &[("TIMER_DELAY_SEC", "259201")]),
            ResponseCode::MESSAGE_ILLEGAL,
        ),
        (
            with(message("orders", 0), &[("DELAY", "soon")]),
            ResponseCode::MESSAGE_ILLEGAL,
        ),
        (
            SendMessage {
                default_topic: "orders".into(),
                ..message("stock", 0)
            },
            ResponseCode::TOPIC_NOT_EXIST,
        ),
    ];

    for (header, expected) in cases {
        assert_eq!(client.refused(header.clone()).await, expected, "{header:?}");
    }
    assert_eq!(client.everything("orders", 0).await.len(), 0);
    stage.stop().await;
}

#[tokio::test]
async fn a_message_that_is_too_long_is_refused_and_one_byte_less_is_not() {
    let stage = Stage::with(Clock::system(), |config| {
        config.rules.max_message_size = 1000;
    })
    .await;
    let client = stage.client("a");
    let send = async |bytes: usize| client.call_with(message("orders", 0), vec![0; bytes]).await;

    assert!(send(1000).await.is_ok());
    assert_eq!(code(send(1001).await), ResponseCode::MESSAGE_ILLEGAL);
    stage.stop().await;
}

#[tokio::test]
async fn batches_are_refused_when_they_cannot_be_read_or_kept() {
    let limit = |config: &mut BrokerConfig| config.rules.max_message_size = 100;
    let stage = Stage::with(Clock::system(), limit).await;
    let client = stage.client("a");
    let header = || SendBatchMessage(message("orders", 0));

    for body in [&b"\0\0\0\x20torn"[..], b"", b"\xff\xff\xff\xff"] {
        let refused = client.call_with(header(), body.to_vec()).await;
        assert_eq!(code(refused), ResponseCode::MESSAGE_ILLEGAL, "{body:?}");
    }
    let mut delayed = vec![0, 0, 0, 30];
    delayed.extend([0; 16]);
    delayed.extend([0, 8]);
    delayed.extend(b"DELAY\x011\x02");
    let refused = client.call_with(header(), delayed).await;
    assert_eq!(code(refused), ResponseCode::MESSAGE_ILLEGAL);
    let too_long = client.call_with(header(), vec![0; 101]).await.unwrap_err();
    let remark = &too_long.refusal().unwrap().remark;
    assert!(remark.contains("longer than the limit of 100"), "{remark}");
    let retry = SendBatchMessage(message("%RETRY%g", 0));
    assert_eq!(client.refused(retry).await, ResponseCode::MESSAGE_ILLEGAL);
    stage.stop().await;
}

#[tokio::test]
async fn without_automatic_creation_topics_and_groups_must_be_there() {
    let stage = Stage::with(Clock::system(), |config| {
        config.rules.auto_create_topic = false;
        config.rules.auto_create_group = false;
    })
    .await;
    let client = stage.client("a");

    assert_eq!(
        client.refused(message("orders", 0)).await,
        ResponseCode::TOPIC_NOT_EXIST
    );
    create(&client, 2, 6).await;
    client.send(message("orders", 1), "x").await;

    let no_group = ResponseCode::SUBSCRIPTION_GROUP_NOT_EXIST;
    assert_eq!(client.refused(pull("orders", 1, 0)).await, no_group);
    client.heartbeat("g", &[("orders", "*")]).await;
    let members = GetConsumerListByGroup {
        consumer_group: "g".into(),
    };
    assert_eq!(client.refused(members).await, ResponseCode::SYSTEM_ERROR);
    let group = SubscriptionGroupConfig {
        group_name: "g".into(),
        ..Default::default()
    };
    let body = fastjson::write(&group);
    client
        .call_with(UpdateAndCreateSubscriptionGroup, body)
        .await
        .unwrap();
    assert_eq!(
        client.pull(pull("orders", 1, 0)).await.code,
        ResponseCode::SUCCESS
    );
    stage.stop().await;
}

async fn create(client: &crate::stage::Client, queues: i32, perm: i32) {
    let header = UpdateAndCreateTopic {
        topic: "orders".into(),
        read_queue_nums: queues,
        write_queue_nums: queues,
        perm,
        ..UpdateAndCreateTopic::default()
    };
    client.call(header).await.unwrap();
}

#[tokio::test]
async fn a_topic_without_queues_takes_nothing() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    create(&client, 0, 6).await;

    for queue in [-1, 0] {
        let code = client.refused(message("orders", queue)).await;
        assert_eq!(code, ResponseCode::INVALID_PARAMETER);
    }
    stage.stop().await;
}

#[tokio::test]
async fn pulls_are_refused_by_rule() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.send(message("orders", 0), "x").await;
    let registered = PullMessage {
        sys_flag: 0,
        sub_version: 1,
        ..pull("orders", 0, 0)
    };
    let sql = PullMessage {
        expression_type: Some("SQL92".into()),
        ..pull("orders", 0, 0)
    };
    let broken = PullMessage {
        subscription: Some("||".into()),
        ..pull("orders", 0, 0)
    };

    assert_eq!(
        client.refused(pull("stock", 0, 0)).await,
        ResponseCode::TOPIC_NOT_EXIST
    );
    assert_eq!(
        client.refused(pull("orders", 4, 0)).await,
        ResponseCode::INVALID_PARAMETER
    );
    assert_eq!(
        client.refused(pull("orders", -1, 0)).await,
        ResponseCode::INVALID_PARAMETER
    );
    for broken in [sql, broken] {
        assert_eq!(
            client.refused(broken).await,
            ResponseCode::SUBSCRIPTION_PARSE_FAILED
        );
    }

    let unknown = ResponseCode::SUBSCRIPTION_NOT_EXIST;
    assert_eq!(client.refused(registered.clone()).await, unknown);
    client.heartbeat("g", &[("stock", "*")]).await;
    assert_eq!(client.refused(registered.clone()).await, unknown);
    client.heartbeat("g", &[("orders", "*")]).await;
    assert_eq!(client.pull(registered).await.code, ResponseCode::SUCCESS);

    create(&client, 4, 2).await;
    assert_eq!(
        client.refused(pull("orders", 0, 0)).await,
        ResponseCode::NO_PERMISSION
    );
    stage.stop().await;
}

/// Java's consumers start with a new version of what they want, and now and then keep it to
/// themselves until their next heartbeat: they got nothing for half a minute.
#[tokio::test]
async fn a_newer_subscription_by_tags_gets_everything_until_it_is_known() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.send(message("orders", 0), "x").await;
    client.heartbeat("g", &[("orders", "paid")]).await;
    let known = PullMessage {
        sys_flag: 0,
        sub_version: 1,
        ..pull("orders", 0, 0)
    };
    let newer = PullMessage {
        sub_version: 2,
        ..known.clone()
    };
    let by_condition = PullMessage {
        expression_type: Some("SQL92".into()),
        ..newer.clone()
    };

    let passed_over = client.pull(known).await.code;
    assert_eq!(passed_over, ResponseCode::PULL_RETRY_IMMEDIATELY);
    assert_eq!(client.pull(newer).await.code, ResponseCode::SUCCESS);
    let refused = client.refused(by_condition).await;
    assert_eq!(refused, ResponseCode::SUBSCRIPTION_NOT_LATEST);
    stage.stop().await;
}

#[tokio::test]
async fn an_offset_outside_the_queue_is_corrected() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.send(message("orders", 0), "x").await;
    let answer = async |offset| {
        let reply = client
            .call(LitePullMessage(pull("orders", 0, offset)))
            .await
            .unwrap();
        (reply.code, reply.header.next_begin_offset)
    };

    // What lies before the end may be new to whoever was beyond it.
    assert_eq!(answer(9).await, (ResponseCode::PULL_OFFSET_MOVED, 0));
    assert_eq!(answer(-1).await, (ResponseCode::PULL_OFFSET_MOVED, 0));
    assert_eq!(answer(1).await, (ResponseCode::PULL_NOT_FOUND, 1));
    let empty = client.pull(pull("orders", 1, 5)).await;
    let corrected = (empty.code, empty.header.next_begin_offset);
    assert_eq!(corrected, (ResponseCode::PULL_OFFSET_MOVED, 0));
    let empty = client.pull(pull("orders", 1, 0)).await;
    assert_eq!(empty.code, ResponseCode::PULL_NOT_FOUND);
    stage.stop().await;
}

#[tokio::test]
async fn offsets_of_nothing_are_refused() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.send(message("orders", 0), "x").await;
    let header = UpdateConsumerOffset {
        consumer_group: "g".into(),
        topic: "orders".into(),
        queue_id: Some(0),
        commit_offset: Some(1),
    };

    let no_group = ResponseCode::SUBSCRIPTION_GROUP_NOT_EXIST;
    assert_eq!(client.refused(header.clone()).await, no_group);
    client.heartbeat("g", &[]).await;
    let invalid = ResponseCode::INVALID_PARAMETER;
    let cases = [
        (
            UpdateConsumerOffset {
                topic: "stock".into(),
                ..header.clone()
            },
            ResponseCode::TOPIC_NOT_EXIST,
        ),
        (
            UpdateConsumerOffset {
                queue_id: None,
                ..header.clone()
            },
            invalid,
        ),
        (
            UpdateConsumerOffset {
                queue_id: Some(99),
                ..header.clone()
            },
            invalid,
        ),
        (
            UpdateConsumerOffset {
                commit_offset: None,
                ..header.clone()
            },
            invalid,
        ),
    ];
    for (header, expected) in cases {
        assert_eq!(client.refused(header).await, expected);
    }
    let pull = PullMessage {
        sys_flag: PullMessage::COMMIT,
        commit_offset: 1,
        ..pull("orders", 99, 0)
    };
    assert_eq!(client.refused(pull).await, invalid);
    assert_eq!(client.committed("orders", 99).await, None);
    assert!(client.call(header).await.is_ok());
    stage.stop().await;
}

#[tokio::test]
async fn what_was_read_of_a_queue_that_was_taken_away_is_kept() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    create(&client, 4, 6).await;
    client.send(message("orders", 3), "x").await;
    client.heartbeat("g", &[("orders", "*")]).await;
    create(&client, 1, 6).await;

    client.commit("orders", 3, 1).await;

    create(&client, 4, 6).await;
    assert_eq!(client.committed("orders", 3).await, Some(1));
    stage.stop().await;
}
