//! Subscriptions by conditions over properties (SQL92): checked, registered, pulled by, waited with.

use mq_core::clock::Clock;
use mq_core::message::record::decode_all;
use mq_core::wire::body::{CheckClientRequestBody, ConsumerData, HeartbeatData, SubscriptionData};
use mq_core::wire::header::{CheckClientConfig, HeartBeat, PullMessage, PullMessageReply};
use mq_core::wire::{Refusal, Reply, ResponseCode, fastjson};
use tracing::Level;

use crate::lines::Lines;
use crate::stage::{Client, MINUTE, SECOND, Stage, message, pull, waiting, with};

/// A pull that brings its condition with it.
fn by_condition(condition: &str, offset: i64) -> PullMessage {
    PullMessage {
        expression_type: Some("SQL92".into()),
        subscription: Some(condition.into()),
        ..pull("orders", 0, offset)
    }
}

/// A pull by what the heartbeat of that version said.
fn registered(version: i64) -> PullMessage {
    PullMessage {
        sys_flag: 0,
        sub_version: version,
        expression_type: Some("SQL92".into()),
        subscription: None,
        ..pull("orders", 0, 0)
    }
}

fn subscription(condition: &str, version: i64) -> SubscriptionData {
    SubscriptionData {
        topic: "orders".into(),
        sub_string: condition.into(),
        expression_type: "SQL92".into(),
        sub_version: version,
        ..SubscriptionData::default()
    }
}

/// A heartbeat of a consumer with a condition, which is always taken.
async fn heartbeat(client: &Client, condition: &str, version: i64) {
    subscribes(client, vec![subscription(condition, version)]).await;
}

async fn subscribes(client: &Client, subscriptions: Vec<SubscriptionData>) {
    let consumer = ConsumerData {
        group_name: "g".into(),
        subscription_data_set: subscriptions,
        ..ConsumerData::default()
    };
    let data = HeartbeatData {
        client_id: client.id.into(),
        consumer_data_set: vec![consumer],
        ..HeartbeatData::default()
    };
    let body = fastjson::write(&data);
    client.call_with(HeartBeat, body).await.unwrap();
}

async fn checked(client: &Client, subscription: SubscriptionData) -> Option<Refusal> {
    let body = CheckClientRequestBody {
        subscription_data: Some(subscription),
        ..CheckClientRequestBody::default()
    };
    let body = fastjson::write(&body);
    let outcome = client.call_with(CheckClientConfig, body).await;
    outcome.err().map(|error| error.refusal().unwrap().clone())
}

async fn refusal(client: &Client, pull: PullMessage) -> Refusal {
    let error = client.call(pull).await.unwrap_err();
    error.refusal().unwrap().clone()
}

fn bodies(pulled: Reply<PullMessageReply>) -> Vec<String> {
    let messages = decode_all(pulled.body).unwrap();
    let body = |message: mq_core::message::MessageExt| {
        String::from_utf8(message.message.body.to_vec()).unwrap()
    };
    messages.into_iter().map(body).collect()
}

/// Sends messages whose property `total` is the number of each, which is their body too.
async fn send_totals(client: &Client, count: usize) {
    for total in 0..count {
        let text: &'static str = total.to_string().leak();
        let tag = if total % 2 == 0 { "even" } else { "odd" };
        let properties = [("total", text), ("TAGS", tag)];
        client
            .send(with(message("orders", 0), &properties), text)
            .await;
    }
}

#[tokio::test]
async fn a_pull_gets_whole_what_passes_its_condition_and_nothing_else() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    send_totals(&client, 100).await;

    let condition = "total BETWEEN 10 AND 12 OR total >= 95 AND TAGS = 'odd'";
    let pulled = client.pull(by_condition(condition, 0)).await;

    assert_eq!(pulled.code, ResponseCode::SUCCESS);
    assert_eq!(pulled.header.next_begin_offset, 100);
    assert_eq!(bodies(pulled), ["10", "11", "12", "95", "97", "99"]);
    let nothing = client.pull(by_condition("total > 100", 3)).await;
    assert_eq!(nothing.code, ResponseCode::PULL_RETRY_IMMEDIATELY);
    assert_eq!(nothing.header.next_begin_offset, 100);
    let all = client.pull(by_condition("price IS NULL", 90)).await;
    assert_eq!(bodies(all).len(), 10);
    stage.stop().await;
}

#[tokio::test]
async fn a_registered_condition_applies_until_the_member_sends_another() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    send_totals(&client, 10).await;

    heartbeat(&client, "total < 2", 1).await;
    let first = client.pull(registered(1)).await;
    let not_latest = client.refused(registered(2)).await;
    heartbeat(&client, "total > 7", 2).await;
    let second = client.pull(registered(2)).await;
    heartbeat(&client, "total > 7", 3).await;
    let third = client.pull(registered(3)).await;

    assert_eq!(bodies(first), ["0", "1"]);
    assert_eq!(not_latest, ResponseCode::SUBSCRIPTION_NOT_LATEST);
    assert_eq!(bodies(second), ["8", "9"]);
    assert_eq!(bodies(third), ["8", "9"]);
    stage.stop().await;
}

#[tokio::test]
async fn a_heartbeat_with_a_bad_condition_is_taken_and_its_pulls_say_what_is_wrong() {
    let (lines, _listening) = Lines::listen("mq_core::broker");
    let stage = Stage::new().await;
    let client = stage.client("a");
    send_totals(&client, 2).await;

    for version in 1..=3 {
        heartbeat(&client, "total > 'one'", version).await;
    }
    let refused = refusal(&client, registered(3)).await;

    assert_eq!(refused.code, ResponseCode::FILTER_DATA_NOT_EXIST);
    let expected = "The broker's consumer filter data is not exist!Your expression may be wrong! \
                    `>` compares numbers and properties, not a text at byte 8";
    assert_eq!(refused.remark, expected);
    assert_eq!(lines.count(Level::WARN, "the condition cannot be read"), 1);
    let line = lines.first(Level::WARN, "the condition cannot be read");
    let line = line.unwrap();
    for part in ["client=\"a\"", "group=\"g\"", "topic=\"orders\"", "byte 8"] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    heartbeat(&client, "total > 0", 4).await;
    assert_eq!(bodies(client.pull(registered(4)).await), ["1"]);
    stage.stop().await;
}

#[tokio::test]
async fn a_check_answers_with_position_and_reason() {
    let stage = Stage::new().await;
    let client = stage.client("a");

    assert_eq!(checked(&client, subscription("a > 5", 1)).await, None);
    let refused = checked(&client, subscription("a = 5 AND", 1))
        .await
        .unwrap();
    assert_eq!(refused.code, ResponseCode::SUBSCRIPTION_PARSE_FAILED);
    let expected =
        "the condition cannot be read: expected a property or a value, found the end at byte 9";
    assert_eq!(refused.remark, expected);

    let refused = refusal(&client, by_condition("a = ", 0)).await;
    assert_eq!(refused.code, ResponseCode::TOPIC_NOT_EXIST);
    send_totals(&client, 1).await;
    let refused = refusal(&client, by_condition("a = ", 0)).await;
    assert_eq!(refused.code, ResponseCode::SUBSCRIPTION_PARSE_FAILED);
    assert!(refused.remark.contains("at byte 4"), "{refused}");
    stage.stop().await;
}

/// A parser that recurses ends the process.
#[tokio::test]
async fn a_long_or_deep_condition_harms_nobody() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    send_totals(&client, 2).await;
    let deep = "(".repeat(1_000) + "total = 1" + &")".repeat(1_000);
    let long = "total = 5 OR ".repeat(8_000) + "total = 1";
    let open = "(".repeat(100_000);

    for condition in [&deep, &long] {
        assert_eq!(checked(&client, subscription(condition, 1)).await, None);
        heartbeat(&client, condition, 1).await;
        assert_eq!(bodies(client.pull(registered(1)).await), ["1"]);
    }
    let refused = checked(&client, subscription(&open, 2)).await.unwrap();
    assert_eq!(refused.code, ResponseCode::SUBSCRIPTION_PARSE_FAILED);
    assert!(refused.remark.ends_with("at byte 100000"), "{refused}");
    stage.stop().await;
}

#[tokio::test]
async fn a_pull_that_waits_is_woken_by_a_message_that_passes_and_not_by_others() {
    let clock = Clock::manual(1_000_000);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let client = stage.client("a");
    send_totals(&client, 1).await;

    let waits = client.pull(waiting(by_condition("total >= 10", 1), 15 * SECOND));
    let comes = async {
        stage.until_a_pull_waits().await;
        send_totals(&client, 11).await;
    };
    let (pulled, ()) = tokio::join!(waits, comes);

    assert_eq!(pulled.header.next_begin_offset, 12);
    assert_eq!(bodies(pulled), ["10"]);
    stage.stop().await;
}

#[tokio::test]
async fn a_pull_that_waits_is_answered_when_what_fails_its_condition_piles_up() {
    let clock = Clock::manual(1_000_000);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let client = stage.client("a");
    send_totals(&client, 1).await;

    let waits = client.pull(waiting(by_condition("total < 0", 1), MINUTE));
    let comes = async {
        stage.until_a_pull_waits().await;
        send_totals(&client, 5).await;
        clock.advance(6 * SECOND).await;
    };
    let (after_a_while, ()) = tokio::join!(waits, comes);
    let waits = client.pull(waiting(by_condition("total < 0", 6), MINUTE));
    let comes = async {
        stage.until_a_pull_waits().await;
        send_totals(&client, 1_000).await;
    };
    let (after_many, ()) = tokio::join!(waits, comes);

    let none = ResponseCode::PULL_RETRY_IMMEDIATELY;
    assert_eq!((after_a_while.code, after_many.code), (none, none));
    assert_eq!(after_a_while.header.next_begin_offset, 6);
    assert!(after_many.header.next_begin_offset > 6);
    stage.stop().await;
}

/// Java's clients subscribe to their retry topic by tags, so that all of it comes.
#[tokio::test]
async fn a_retry_topic_is_filtered_by_the_conditions_of_origin_where_that_is_asked_for() {
    const RETRY: &str = "%RETRY%g";

    for (retry_topics, expected) in [
        (false, vec!["small", "large", "other"]),
        (true, vec!["large", "other"]),
    ] {
        let stage = Stage::with(Clock::system(), |config| {
            config.rules.filters.retry_topics = retry_topics;
        })
        .await;
        let client = stage.client("a");
        let of_retries = SubscriptionData {
            topic: RETRY.into(),
            ..subscription("TRUE", 1)
        };
        subscribes(&client, vec![subscription("total > 5", 1), of_retries]).await;
        for (body, total, origin) in [
            ("small", "1", "orders"),
            ("large", "9", "orders"),
            ("other", "1", "stock"),
        ] {
            let properties = [("total", total), ("RETRY_TOPIC", origin)];
            client
                .send(with(message(RETRY, 0), &properties), body)
                .await;
        }

        let pulled = PullMessage {
            topic: RETRY.into(),
            ..registered(1)
        };
        assert_eq!(bodies(client.pull(pulled).await), expected);
        stage.stop().await;
    }
}

#[tokio::test]
async fn conditions_can_be_switched_off() {
    let stage = Stage::with(Clock::system(), |config| {
        config.rules.filters.conditions = false;
    })
    .await;
    let client = stage.client("a");
    send_totals(&client, 1).await;
    let remark = "The broker does not support consumer to filter message by SQL92";

    let of_check = checked(&client, subscription("a > 5", 1)).await.unwrap();
    let of_pull = refusal(&client, by_condition("a > 5", 0)).await;
    heartbeat(&client, "a > 5", 1).await;
    let of_registered = refusal(&client, registered(1)).await;

    for refused in [of_check, of_pull, of_registered] {
        assert_eq!(refused.code, ResponseCode::SYSTEM_ERROR);
        assert_eq!(refused.remark, remark);
    }
    stage.stop().await;
}
