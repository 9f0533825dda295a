//! Messages that come again, and those that come later.

use std::sync::Arc;
use std::time::Duration;

use mq_core::clock::Clock;
use mq_core::message::{MessageExt, property};
use mq_core::wire::body::SubscriptionGroupConfig;
use mq_core::wire::header::{
    ConsumerSendMsgBack, SendBatchMessage, SendMessage, UpdateAndCreateSubscriptionGroup,
};
use mq_core::wire::{ResponseCode, fastjson};

use crate::stage::{Client, MINUTE, SECOND, Stage, code, message, waiting, with};

const START: i64 = 1_800_000_000_000;
const HOUR_MS: i64 = 3_600_000;

async fn stage() -> (Stage, Clock) {
    let clock = Clock::manual(START);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    (stage, clock)
}

fn back(message: &MessageExt, level: i32) -> ConsumerSendMsgBack {
    ConsumerSendMsgBack {
        offset: message.physical_offset.to_wire(),
        group: "g".into(),
        delay_level: level,
        ..ConsumerSendMsgBack::default()
    }
}

fn text<'a>(message: &'a MessageExt, name: &str) -> Option<&'a str> {
    message.message.properties.get(name)
}

/// Moves the clock in small steps until so many messages lie in the queue; says how long it took.
async fn until(clock: &Clock, client: &Client, topic: &'static str, count: usize) -> Duration {
    let begun = clock.moment();
    while client.everything(topic, 0).await.len() < count {
        assert!(
            clock.moment().since(begun) < 10 * MINUTE,
            "nothing came to {topic}"
        );
        clock.advance(SECOND).await;
    }
    clock.moment().since(begun)
}

#[tokio::test]
async fn a_delayed_message_comes_when_its_time_has_come() {
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    client.send(message("orders", 0), "now").await;

    let delayed = with(
        message("orders", 0),
        &[("DELAY", "3"), ("TAGS", "late"), ("UNIQ_KEY", "U")],
    );
    let reply = client.send(delayed, "later").await;
    assert_eq!(reply.queue_id, 0);
    assert_eq!(client.everything("orders", 0).await.len(), 1);

    clock.advance(9 * SECOND).await;
    assert_eq!(client.everything("orders", 0).await.len(), 1);
    let took = until(&clock, &client, "orders", 2).await;

    assert!(took <= 2 * SECOND, "{took:?}");
    let messages = client.everything("orders", 0).await;
    let late = &messages[1];
    assert_eq!(
        (&late.message.body[..], late.message.tag()),
        (&b"later"[..], Some("late"))
    );
    assert_eq!(text(late, property::REAL_TOPIC), Some("orders"));
    assert_eq!(
        (text(late, property::DELAY), late.message_id().as_str()),
        (Some("3"), "U")
    );
    assert_eq!(late.store_timestamp, clock.now_ms());
    stage.stop().await;
}

/// Regression: the message could neither come again nor become a dead letter.
#[tokio::test]
async fn a_message_may_be_given_back_that_is_longer_than_messages_may_be_now() {
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    let long = vec![7; 5_000];
    client
        .call_with(message("orders", 0), long.clone())
        .await
        .unwrap();
    stage.stop().await;
    let (disk, mut config) = (Arc::clone(&stage.disk), stage.config.clone());
    drop((client, stage));
    config.rules.max_message_size = 1_000;
    let stage = Stage::on(disk, config, clock.clone()).await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    let failed = &client.everything("orders", 0).await[0];

    client.call(back(failed, 1)).await.unwrap();
    client.call(back(failed, -1)).await.unwrap();

    until(&clock, &client, "%RETRY%g", 1).await;
    for copies in ["%RETRY%g", "%DLQ%g"] {
        assert_eq!(client.everything(copies, 0).await[0].message.body, long);
    }
    stage.stop().await;
}

/// A clock that was 48 h ahead for one message ended all delays: 30 min took 0.1 s, and a message
/// that failed was a dead letter within 0.13 s.
#[tokio::test]
async fn a_clock_that_was_ahead_once_shortens_no_delay() {
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    clock.set_wall(START + 48 * HOUR_MS);
    client.send(message("other", 0), "ahead").await;
    clock.set_wall(START);

    let delayed = with(message("orders", 0), &[("DELAY", "2")]);
    client.send(delayed.clone(), "first").await;
    let failed = &client.everything("other", 0).await[0];
    client.call(back(failed, 0)).await.unwrap();
    clock.advance(4 * SECOND).await;
    assert_eq!(client.everything("orders", 0).await.len(), 0);
    assert!(until(&clock, &client, "orders", 1).await <= 2 * SECOND);
    assert_eq!(client.everything("%RETRY%g", 0).await.len(), 0);
    assert!(until(&clock, &client, "%RETRY%g", 1).await >= 3 * SECOND);

    let stage = stage.restarted().await;
    let client = stage.client("a");
    client.send(delayed, "second").await;
    clock.advance(4 * SECOND).await;
    assert_eq!(client.everything("orders", 0).await.len(), 1);
    assert!(until(&clock, &client, "orders", 2).await <= 2 * SECOND);
    stage.stop().await;
}

#[tokio::test]
async fn what_was_delayed_while_the_clock_was_ahead_waits_its_delay_once_more_and_no_longer() {
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    let delayed = with(message("orders", 0), &[("DELAY", "4")]);
    clock.set_wall(START + 48 * HOUR_MS);
    client.send(delayed.clone(), "ahead").await;
    client.send(delayed.clone(), "ahead too").await;
    clock.set_wall(START);
    client.send(delayed, "right").await;

    clock.advance(29 * SECOND).await;
    assert_eq!(client.everything("orders", 0).await.len(), 0);
    // The clock is looked at every 10 s.
    let took = until(&clock, &client, "orders", 3).await;

    assert!(took <= 12 * SECOND, "{took:?}");
    stage.stop().await;
}

#[tokio::test]
async fn delayed_messages_outlive_a_restart_and_come_once() {
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    client
        .send(with(message("orders", 0), &[("DELAY", "1")]), "first")
        .await;
    client
        .send(with(message("orders", 0), &[("DELAY", "2")]), "second")
        .await;
    until(&clock, &client, "orders", 1).await;

    let stage = stage.restarted().await;
    let client = stage.client("a");
    until(&clock, &client, "orders", 2).await;
    clock.advance(MINUTE).await;

    assert_eq!(client.everything("orders", 0).await.len(), 2);
    stage.stop().await;
}

#[tokio::test]
async fn a_message_given_back_comes_again_later_each_time_and_ends_as_a_dead_letter() {
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    client
        .send(
            with(message("orders", 0), &[("UNIQ_KEY", "U"), ("k", "v")]),
            "poison",
        )
        .await;
    let first = client.everything("orders", 0).await.remove(0);
    let allowed = ConsumerSendMsgBack {
        max_reconsume_times: Some(2),
        ..back(&first, 0)
    };

    client.call(allowed.clone()).await.unwrap();
    let took = until(&clock, &client, "%RETRY%g", 1).await;
    assert!((9 * SECOND..=11 * SECOND).contains(&took), "{took:?}");
    let second = client.everything("%RETRY%g", 0).await.remove(0);
    assert_eq!(
        (second.reconsume_times, second.message_id().as_str()),
        (1, "U")
    );
    assert_eq!(text(&second, property::RETRY_TOPIC), Some("orders"));
    let origin = first.offset_message_id().to_string();
    assert_eq!(text(&second, property::ORIGIN_MESSAGE_ID), Some(&*origin));
    assert_eq!(
        (text(&second, "k"), second.message.body.as_ref()),
        (Some("v"), &b"poison"[..])
    );
    assert_eq!(second.born_host, first.born_host);

    let again = |message| ConsumerSendMsgBack {
        offset: back(message, 0).offset,
        ..allowed.clone()
    };
    client.call(again(&second)).await.unwrap();
    let took = until(&clock, &client, "%RETRY%g", 2).await;
    assert!((29 * SECOND..=31 * SECOND).contains(&took), "{took:?}");
    let third = client.everything("%RETRY%g", 0).await.remove(1);
    assert_eq!(third.reconsume_times, 2);
    assert_eq!(text(&third, property::ORIGIN_MESSAGE_ID), Some(&*origin));

    client.call(again(&third)).await.unwrap();
    let dead = client.everything("%DLQ%g", 0).await.remove(0);
    assert_eq!(
        (dead.reconsume_times, text(&dead, property::DELAY)),
        (3, Some("0"))
    );
    assert_eq!(text(&dead, property::RETRY_TOPIC), Some("orders"));
    stage.stop().await;
}

/// C++ clients do not say how many attempts they want.
#[tokio::test]
async fn without_a_number_of_the_consumer_the_group_s_counts() {
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    let strict = SubscriptionGroupConfig {
        group_name: "g".into(),
        retry_max_times: 1,
        ..SubscriptionGroupConfig::default()
    };
    let body = fastjson::write(&strict);
    let set = client.call_with(UpdateAndCreateSubscriptionGroup, body);
    set.await.unwrap();
    client.send(message("orders", 0), "x").await;
    let first = client.everything("orders", 0).await.remove(0);

    client.call(back(&first, 1)).await.unwrap();
    until(&clock, &client, "%RETRY%g", 1).await;
    let second = client.everything("%RETRY%g", 0).await.remove(0);
    client.call(back(&second, 1)).await.unwrap();

    let dead = client.everything("%DLQ%g", 0).await;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].reconsume_times, 2);
    stage.stop().await;
}

#[tokio::test]
async fn a_consumer_gives_up_with_a_reason_that_stays_with_the_dead_letter() {
    let (stage, _clock) = stage().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    client.send(message("orders", 0), "poison").await;
    let first = client.everything("orders", 0).await.remove(0);

    let reason = Some("no\u{1}JSON".into());
    client
        .call(ConsumerSendMsgBack {
            reason,
            ..back(&first, -1)
        })
        .await
        .unwrap();

    let dead = client.everything("%DLQ%g", 0).await.remove(0);
    assert_eq!(text(&dead, property::DLQ_REASON), Some("no JSON"));
    stage.stop().await;
}

#[tokio::test]
async fn a_message_given_back_goes_only_to_queues_that_are_read() {
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    let wider = SubscriptionGroupConfig {
        group_name: "g".into(),
        retry_queue_nums: 5,
        ..SubscriptionGroupConfig::default()
    };
    let body = fastjson::write(&wider);
    client
        .call_with(UpdateAndCreateSubscriptionGroup, body)
        .await
        .unwrap();
    client.send(message("orders", 0), "x").await;
    let first = client.everything("orders", 0).await.remove(0);

    for _ in 0..3 {
        client.call(back(&first, 1)).await.unwrap();
    }

    until(&clock, &client, "%RETRY%g", 3).await;
    stage.stop().await;
}

#[tokio::test]
async fn what_is_not_there_cannot_be_given_back() {
    let (stage, _clock) = stage().await;
    let client = stage.client("a");
    client.send(message("orders", 0), "x").await;
    let first = client.everything("orders", 0).await.remove(0);

    for offset in [-1, 7, 1_000_000] {
        let header = ConsumerSendMsgBack {
            offset,
            ..back(&first, 0)
        };
        assert_eq!(client.refused(header).await, ResponseCode::SYSTEM_ERROR);
    }
    stage.stop().await;
}

#[tokio::test]
async fn a_consumer_that_sends_to_its_retry_topic_itself_obeys_the_same_limit() {
    let (stage, _clock) = stage().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    let attempt = |reconsume_times| SendMessage {
        reconsume_times: Some(reconsume_times),
        max_reconsume_times: Some(2),
        ..message("%RETRY%g", 0)
    };

    client.send(attempt(2), "again").await;
    client.send(attempt(3), "dead").await;

    assert_eq!(
        client.everything("%RETRY%g", 0).await[0].message.body,
        "again"
    );
    let dead = client.everything("%DLQ%g", 0).await;
    assert_eq!((dead.len(), &dead[0].message.body[..]), (1, &b"dead"[..]));
    stage.stop().await;
}

#[tokio::test]
async fn a_pull_that_waits_for_a_delayed_message_is_woken_by_its_delivery() {
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    client.send(message("orders", 0), "first").await;
    client
        .send(with(message("orders", 0), &[("DELAY", "1")]), "later")
        .await;

    let waits = client.pull(waiting(crate::stage::pull("orders", 0, 1), 15 * SECOND));
    let comes = async {
        stage.until_a_pull_waits().await;
        clock.advance(2 * SECOND).await;
    };
    let (pulled, ()) = tokio::join!(waits, comes);

    assert_eq!(pulled.code, ResponseCode::SUCCESS);
    stage.stop().await;
}

/// A message with one property as long as it takes for `length` bytes as stored.
fn filled(header: SendMessage, length: usize) -> SendMessage {
    let stored = with(
        SendMessage::default(),
        &[
            ("UNIQ_KEY", "U"),
            ("MSG_REGION", "DefaultRegion"),
            ("TRACE_ON", "true"),
            ("CLUSTER", "DefaultCluster"),
            ("x", ""),
        ],
    );
    let rest = length - stored.properties.unwrap_or_default().len();
    with(header, &[("UNIQ_KEY", "U"), ("x", &"y".repeat(rest))])
}

fn length(message: &MessageExt) -> usize {
    message.message.properties.as_bytes().len()
}

/// A message with longer properties was accepted, and could neither come again nor die.
#[tokio::test]
async fn what_is_admitted_can_come_again_and_die() {
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    let send = |length| filled(message("orders", 0), length);

    let refused = client.call_with(send(31_744), "too long").await;
    let refused = refused.unwrap_err();
    let refusal = refused.refusal().unwrap();
    assert_eq!(refusal.code, ResponseCode::MESSAGE_ILLEGAL);
    assert!(refusal.remark.contains("have 31744 bytes"), "{refusal}");

    client.send(send(31_743), "just").await;
    let first = client.everything("orders", 0).await.remove(0);
    assert_eq!(length(&first), 31_743);
    client.call(back(&first, 1)).await.unwrap();
    until(&clock, &client, "%RETRY%g", 1).await;
    let again = client.everything("%RETRY%g", 0).await.remove(0);
    assert_eq!(text(&again, property::RETRY_TOPIC), Some("orders"));
    let reason = Some("the reason ".repeat(100).into());
    let dead = ConsumerSendMsgBack {
        reason,
        ..back(&again, -1)
    };
    client.call(dead).await.unwrap();
    let dead = client.everything("%DLQ%g", 0).await.remove(0);
    assert!(text(&dead, property::DLQ_REASON).is_some());
    for message in [again, dead] {
        assert_eq!(text(&message, "x"), text(&first, "x"));
    }
    stage.stop().await;
}

/// A store may hold such messages from before, or from Apache's broker.
#[tokio::test]
async fn what_was_admitted_without_room_for_a_retry_gets_out_all_the_same() {
    const GROUP: &str = "the-group-of-the-warehouse";
    const RETRIES: &str = "%RETRY%the-group-of-the-warehouse";

    let (stage, clock) = stage().await;
    let client = stage.client("a");
    client.heartbeat(GROUP, &[("orders", "*")]).await;
    for length in [32_700, 32_767] {
        let retry = SendMessage {
            reconsume_times: Some(1),
            ..message(RETRIES, 0)
        };
        client.send(filled(retry, length), "long").await;
    }
    let mut long = client.everything(RETRIES, 0).await;
    let (full, almost_full) = (long.remove(1), long.remove(0));
    assert_eq!((length(&almost_full), length(&full)), (32_700, 32_767));
    let back = |message, level| ConsumerSendMsgBack {
        group: GROUP.into(),
        ..back(message, level)
    };

    // Without what the broker itself had added there is room.
    client.call(back(&almost_full, 1)).await.unwrap();
    until(&clock, &client, RETRIES, 3).await;
    let again = client.everything(RETRIES, 0).await.remove(2);
    assert_eq!(again.reconsume_times, 2);
    assert_eq!(text(&again, "x"), text(&almost_full, "x"));

    client.call(back(&full, 1)).await.unwrap();
    client.call(back(&full, -1)).await.unwrap();
    let dead = client
        .everything("%DLQ%the-group-of-the-warehouse", 0)
        .await;
    assert_eq!(dead.len(), 2);
    for message in dead {
        assert_eq!(message.message.properties, full.message.properties);
        assert_eq!(message.message.body, "long");
    }
    stage.stop().await;
}

/// So a consumer sends what its broker does not take back.
#[tokio::test]
async fn what_is_sent_anew_without_room_for_its_delay_is_a_dead_letter_at_once() {
    let (stage, _clock) = stage().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    // Even without what the broker adds, the delay's own properties do not fit.
    let long = filled(message("%RETRY%g", 0), 32_800);
    let properties = long.properties.unwrap_or_default();
    let delayed = SendMessage {
        reconsume_times: Some(1),
        properties: Some(format!("{properties}DELAY\u{1}4\u{2}").into()),
        ..message("%RETRY%g", 0)
    };

    client.send(delayed, "long").await;

    let dead = client.everything("%DLQ%g", 0).await.remove(0);
    assert_eq!(dead.message.body, "long");
    let value = properties.rsplit('\u{1}').next().unwrap();
    assert_eq!(text(&dead, "x"), value.strip_suffix('\u{2}'));
    stage.stop().await;
}

#[tokio::test]
async fn a_message_of_a_batch_leaves_room_for_a_retry_too() {
    let (stage, _clock) = stage().await;
    let client = stage.client("a");
    let properties = format!("x\u{1}{}\u{2}", "y".repeat(31_700));
    let mut body = Vec::new();
    body.extend(
        u32::try_from(22 + 3 + properties.len())
            .unwrap()
            .to_be_bytes(),
    );
    body.extend([0; 12]);
    body.extend(3_u32.to_be_bytes());
    body.extend(b"one");
    body.extend(u16::try_from(properties.len()).unwrap().to_be_bytes());
    body.extend(properties.as_bytes());

    let sent = client
        .call_with(SendBatchMessage(message("orders", 0)), body)
        .await;

    assert_eq!(code(sent), ResponseCode::MESSAGE_ILLEGAL);
    stage.stop().await;
}
