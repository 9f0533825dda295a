//! There and back: send, pull, wait, commit.

use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use mq_core::broker::config::FlushMode;
use mq_core::clock::Clock;
use mq_core::message::record::decode_all;
use mq_core::message::{MessageExt, OffsetMessageId, property};
use mq_core::wire::ResponseCode;
use mq_core::wire::header::{
    PullMessage, SendBatchMessage, SendMessage, SendMessageV1, ViewMessageById,
};

use crate::stage::{MINUTE, SECOND, Stage, eventually, message, pull, waiting, with};

#[tokio::test]
async fn what_was_sent_is_pulled_with_everything_the_broker_adds() {
    let stage = Stage::new().await;
    let client = stage.client("a");

    let header = with(
        message("orders", 2),
        &[("TAGS", "new"), ("UNIQ_KEY", "U1"), ("x", "y")],
    );
    let reply = client.send(header, "hello").await;
    let pulled = client.pull(pull("orders", 2, 0)).await;

    assert_eq!((reply.queue_id, reply.queue_offset), (2, 0));
    assert_eq!(reply.transaction_id.as_deref(), Some("U1"));
    assert_eq!(reply.region.as_deref(), Some("DefaultRegion"));
    assert_eq!(reply.trace_on.as_deref(), Some("true"));
    let id: OffsetMessageId = reply.msg_id.parse().unwrap();
    assert_eq!(id.host.to_string(), stage.address);
    let offsets = (pulled.header.next_begin_offset, pulled.header.max_offset);
    assert_eq!((pulled.code, offsets), (ResponseCode::SUCCESS, (1, 1)));
    let messages = decode_all(pulled.body).unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].message.body, "hello");
    assert_eq!(messages[0].message.properties.get("x"), Some("y"));
    assert_eq!(
        messages[0].message.properties.get(property::CLUSTER),
        Some("DefaultCluster")
    );
    assert_eq!(messages[0].offset_message_id(), id);

    let view = ViewMessageById {
        offset: id.offset.to_wire(),
        topic: None,
    };
    let viewed = decode_all(client.call(view).await.unwrap().body).unwrap();
    assert_eq!(viewed, messages);
    stage.stop().await;
}

/// The consume queue knows hash codes only, and "Aa" and "BB" have the same.
#[tokio::test]
async fn a_pull_by_tag_gets_no_message_whose_tag_only_has_the_same_hash_code() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    for tag in ["BB", "Aa", "c"] {
        let tagged = with(message("orders", 0), &[("TAGS", tag)]);
        client.send(tagged, "x").await;
    }

    let by_tag = PullMessage {
        subscription: Some("Aa".into()),
        ..pull("orders", 0, 0)
    };
    let pulled = client.pull(by_tag).await;

    assert_eq!(pulled.header.next_begin_offset, 3);
    let messages = decode_all(pulled.body).unwrap();
    let tags = messages
        .iter()
        .map(|found| found.message.properties.get(property::TAGS));
    assert_eq!(tags.collect::<Vec<_>>(), [Some("Aa")]);
    stage.stop().await;
}

#[tokio::test]
async fn a_waiting_pull_is_woken_by_a_message_it_wants_and_not_by_others() {
    let clock = Clock::manual(1_000_000);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let client = stage.client("a");
    client.send(message("orders", 0), "first").await;

    let header = PullMessage {
        subscription: Some("paid".into()),
        ..pull("orders", 0, 1)
    };
    let waits = client.pull(waiting(header, 15 * SECOND));
    let comes = async {
        stage.until_a_pull_waits().await;
        client
            .send(with(message("orders", 1), &[("TAGS", "paid")]), "elsewhere")
            .await;
        client
            .send(with(message("orders", 0), &[("TAGS", "new")]), "unwanted")
            .await;
        client
            .send(with(message("orders", 0), &[("TAGS", "paid")]), "wanted")
            .await;
    };
    let (pulled, ()) = tokio::join!(waits, comes);

    let messages = decode_all(pulled.body).unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].message.body, "wanted");
    assert_eq!(pulled.header.next_begin_offset, 3);
    stage.stop().await;
}

#[tokio::test]
async fn a_waiting_pull_is_answered_when_its_time_is_over_or_unwanted_messages_pile_up() {
    let clock = Clock::manual(1_000_000);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let client = stage.client("a");
    client.send(message("orders", 0), "first").await;

    let quiet = client.pull(waiting(pull("orders", 0, 1), 15 * SECOND));
    let (quiet, ()) = tokio::join!(quiet, clock_runs(&clock, &stage, 16 * SECOND));
    assert_eq!(quiet.code, ResponseCode::PULL_NOT_FOUND);
    let fields = quiet.header;
    assert_eq!(
        (
            fields.next_begin_offset,
            fields.min_offset,
            fields.max_offset
        ),
        (1, 0, 1)
    );

    let header = PullMessage {
        subscription: Some("paid".into()),
        ..pull("orders", 0, 1)
    };
    let passed_over = client.pull(waiting(header, MINUTE));
    let comes = async {
        stage.until_a_pull_waits().await;
        client.send(message("orders", 0), "unwanted").await;
        clock_runs(&clock, &stage, 6 * SECOND).await;
    };
    let (passed_over, ()) = tokio::join!(passed_over, comes);
    assert_eq!(passed_over.code, ResponseCode::PULL_RETRY_IMMEDIATELY);
    assert_eq!(passed_over.header.next_begin_offset, 2);
    stage.stop().await;
}

/// Moves the clock once a pull waits.
async fn clock_runs(clock: &Clock, stage: &Stage, by: Duration) {
    stage.until_a_pull_waits().await;
    clock.advance(by).await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_waiting_pulls() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.send(message("orders", 0), "first").await;

    let waits = client.pull(waiting(pull("orders", 0, 1), MINUTE));
    let stops = async {
        stage.until_a_pull_waits().await;
        stage.stop().await;
    };
    let (pulled, ()) = tokio::join!(waits, stops);

    assert_eq!(pulled.code, ResponseCode::PULL_NOT_FOUND);
}

#[tokio::test]
async fn offsets_and_messages_are_there_after_a_restart() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    for _ in 0..3 {
        client.send(message("orders", 1), "x").await;
    }
    assert_eq!(client.committed("orders", 1).await, None);
    client.commit("orders", 1, 2).await;

    let stage = stage.restarted().await;
    let client = stage.client("a");

    assert_eq!(client.committed("orders", 1).await, Some(2));
    assert_eq!(client.everything("orders", 1).await.len(), 3);
    assert_eq!(client.send(message("orders", 1), "x").await.queue_offset, 3);
    stage.stop().await;
}

#[tokio::test]
async fn a_pull_reports_the_offset_of_its_group_along_the_way() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.send(message("orders", 0), "x").await;

    let header = pull("orders", 0, 1);
    let sys_flag = header.sys_flag | PullMessage::COMMIT;
    client
        .pull(PullMessage {
            sys_flag,
            commit_offset: 1,
            ..header
        })
        .await;

    assert_eq!(client.committed("orders", 0).await, Some(1));
    stage.stop().await;
}

#[tokio::test]
async fn offsets_are_on_disk_within_seconds_not_only_after_a_stop() {
    let clock = Clock::manual(1_000_000);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    client.send(message("orders", 0), "x").await;
    client.commit("orders", 0, 1).await;
    let saved = || {
        let file = Path::new("/store/config/consumerOffset.json");
        let text = stage.disk.read(file).unwrap().unwrap_or_default();
        String::from_utf8(text.to_vec()).unwrap()
    };
    assert!(!saved().contains("orders@g"), "{}", saved());

    clock.advance(5 * SECOND).await;

    eventually("offsets are saved", || saved().contains("orders@g")).await;
    assert!(saved().contains(r#""orders@g":{"0":1}"#), "{}", saved());
    stage.stop().await;
}

#[tokio::test]
async fn a_batch_is_stored_as_messages_with_ids_of_their_own() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    let mut body = Vec::new();
    for text in ["one", "two"] {
        body.extend((22 + 3_u32).to_be_bytes());
        body.extend([0; 12]);
        body.extend(3_u32.to_be_bytes());
        body.extend(text.as_bytes());
        body.extend([0; 2]);
    }
    let header = with(message("orders", 0), &[("UNIQ_KEY", "B"), ("WAIT", "true")]);

    let sent = client
        .call_with(SendBatchMessage(header.clone()), body.clone())
        .await
        .unwrap();
    assert_eq!(sent.header.msg_id.split(',').count(), 2);
    assert_eq!(sent.header.transaction_id.as_deref(), Some("B"));
    let long = SendMessageV1 {
        topic: header.topic.clone(),
        default_topic: header.default_topic.clone(),
        queue_id: 0,
        batch: Some(true),
        ..SendMessageV1::default()
    };
    let sent = client.call_with(long, body).await.unwrap();
    assert_eq!(sent.header.queue_offset, 2);

    let messages = client.everything("orders", 0).await;
    let bodies: Vec<_> = messages
        .iter()
        .map(|message| message.message.body.clone())
        .collect();
    assert_eq!(bodies, ["one", "two", "one", "two"]);
    let mut ids: Vec<_> = messages.iter().map(MessageExt::message_id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4);
    stage.stop().await;
}

#[tokio::test]
async fn in_interval_mode_a_send_waits_for_those_begun_with_it_and_nothing_else() {
    let stage = Stage::with(Clock::system(), |config| {
        config.storage.flush = FlushMode::Interval;
    })
    .await;
    let local = stage.broker().local();
    let mut client = stage.client("a");
    client.address = "within".into();
    client.remoting.attach("within", &local);
    client.send(message("orders", 0), "makes the topic").await;

    let mut sent = pin!(client.call_with(message("orders", 0), "x"));
    assert!(sent.as_mut().now_or_never().is_none());
    let sent = sent.now_or_never();

    assert_eq!(sent.unwrap().unwrap().header.queue_offset, 1);
    stage.stop().await;
}

/// 300 sends of one connection to one queue of a new topic were stored as 60 … 299, 0 … 59: those
/// that came while the topic was being made waited, and those that came when it was there did not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_of_one_connection_are_stored_in_their_order_while_their_topic_is_being_made() {
    for flush in [FlushMode::Sync, FlushMode::Interval] {
        let stage = Stage::with(Clock::system(), |config| config.storage.flush = flush).await;
        let client = stage.client("a");
        client.send(message("other", 0), "connected").await;
        for topic in ["one", "two", "three", "four", "five"] {
            // One-way sends leave in the order in which they are asked for.
            for number in 0..300_u32 {
                let (header, body) = (message(topic, 0), number.to_string().into());
                let sent = client.remoting.one_way(&client.address, header, body);
                sent.await.unwrap();
            }
            client.call_with(message(topic, 1), "last").await.unwrap();
            while client.everything(topic, 0).await.len() < 300 {
                tokio::task::yield_now().await;
            }

            let stored = client.everything(topic, 0).await;
            let bodies = stored.iter().map(|stored| stored.message.body.clone());
            let expected = (0..300).map(|number: u32| number.to_string());
            assert!(bodies.eq(expected), "{flush:?}: {topic}");
        }
        stage.stop().await;
    }
}

#[tokio::test]
async fn a_message_without_a_queue_gets_one_of_the_topics() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    let anywhere = SendMessage {
        queue_id: -1,
        ..message("orders", 0)
    };

    for _ in 0..8 {
        let reply = client.send(anywhere.clone(), "x").await;
        assert!((0..4).contains(&reply.queue_id), "{reply:?}");
    }
    stage.stop().await;
}
