//! Transactions as the broker keeps them: what ends them, what is refused, and what a restart finds.

use std::sync::Arc;

use mq_core::clock::Clock;
use mq_core::message::record::{RecordDraft, RecordPosition};
use mq_core::message::{MessageExt, OffsetMessageId, PhysicalOffset, property};
use mq_core::store::disk::{Disk, Fault, FaultyDisk};
use mq_core::wire::header::{
    DeleteTopicInBroker, EndTransaction, InvokeBrokerToResetOffset, PullMessage,
    QueryConsumerOffset, ResumeCheckHalfMessage, SendMessage, SendMessageReply,
    UpdateConsumerOffset,
};
use mq_core::wire::{Refusal, ResponseCode};

use crate::stage::{Client, MINUTE, SECOND, Stage, code, message, pull, with};

const START: i64 = 1_800_000_000_000;
const HALF: &str = "RMQ_SYS_TRANS_HALF_TOPIC";
const OP: &str = "RMQ_SYS_TRANS_OP_HALF_TOPIC";
const ASIDE: &str = "TRANS_CHECK_MAX_TIME_TOPIC";
const PREPARED: i32 = 4;

/// A half message for a queue of `orders`.
fn half(queue: i32, more: &[(&str, &str)]) -> SendMessage {
    let own = [("TRAN_MSG", "true"), ("PGROUP", "producers")];
    let properties: Vec<_> = own.iter().chain(more).copied().collect();
    SendMessage {
        sys_flag: PREPARED,
        ..with(message("orders", queue), &properties)
    }
}

fn end(half: &SendMessageReply, commit_or_rollback: i32) -> EndTransaction {
    let OffsetMessageId { offset, .. } = half.msg_id.parse().unwrap();
    EndTransaction {
        topic: Some("orders".into()),
        producer_group: "producers".into(),
        tran_state_table_offset: half.queue_offset,
        commit_log_offset: offset.to_wire(),
        commit_or_rollback,
        from_transaction_check: Some(false),
        msg_id: half.transaction_id.clone(),
        transaction_id: half.transaction_id.clone(),
    }
}

const COMMIT: i32 = EndTransaction::COMMIT;
const ROLLBACK: i32 = EndTransaction::ROLLBACK;

async fn refusal(client: &Client, end: EndTransaction) -> Refusal {
    let refused = client.call(end).await.unwrap_err();
    refused.refusal().unwrap().clone()
}

async fn bodies(client: &Client, topic: &'static str, queue: i32) -> Vec<String> {
    let messages = client.everything(topic, queue).await.into_iter();
    let body = |message: MessageExt| String::from_utf8_lossy(&message.message.body).into_owned();
    messages.map(body).collect()
}

/// How far the broker is with a topic, as it keeps it for another start.
async fn progress(client: &Client, topic: &'static str) -> i64 {
    let header = QueryConsumerOffset {
        consumer_group: "CID_RMQ_SYS_TRANS".into(),
        topic: topic.into(),
        queue_id: 0,
        set_zero_if_not_found: Some(true),
    };
    let reply = client.call(header).await;
    reply.map_or(0, |reply| reply.header.offset)
}

/// Lets time go by until so many messages lie in a topic.
async fn until(clock: &Clock, client: &Client, topic: &'static str, count: usize) {
    let begun = clock.moment();
    while client.everything(topic, 0).await.len() < count {
        let waited = clock.moment().since(begun);
        assert!(waited < 60 * MINUTE, "nothing came to {topic}");
        clock.advance(SECOND).await;
    }
}

/// Lets time go by until the progress is kept.
async fn until_progress(clock: &Clock, client: &Client, half: i64, op: i64) {
    for _ in 0..1_000 {
        if progress(client, HALF).await == half && progress(client, OP).await == op {
            return;
        }
        clock.advance(SECOND).await;
    }
    let found = (progress(client, HALF).await, progress(client, OP).await);
    panic!("the progress is {found:?}, expected {:?}", (half, op));
}

#[tokio::test]
async fn a_half_message_waits_as_apaches_broker_keeps_it_and_leaves_with_its_end() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    let committed = client
        .send(half(2, &[("UNIQ_KEY", "U"), ("TAGS", "t")]), "c")
        .await;
    let dropped = client.send(half(2, &[]), "d").await;
    assert_eq!((committed.queue_id, committed.queue_offset), (2, 0));
    assert_eq!(dropped.queue_offset, 1);

    let waiting = &client.everything(HALF, 0).await[0];
    let text = |message: &MessageExt, name| {
        let value = message.message.properties.get(name);
        value.unwrap_or_default().to_owned()
    };
    assert_eq!(text(waiting, property::REAL_TOPIC), "orders");
    assert_eq!(text(waiting, property::REAL_QID), "2");
    assert_eq!(text(waiting, property::TRANSACTION_ID), "U");
    assert_eq!(waiting.sys_flag.0 & 0xC, 0);
    assert!(client.everything("orders", 2).await.is_empty());

    client.call(end(&committed, COMMIT)).await.unwrap();
    client.call(end(&dropped, ROLLBACK)).await.unwrap();

    let delivered = client.everything("orders", 2).await;
    assert_eq!(delivered.len(), 1);
    let delivered = &delivered[0];
    assert_eq!(delivered.message.body, "c");
    assert_eq!(delivered.sys_flag.0 & 0xC, 8);
    let position = waiting.physical_offset.to_wire();
    assert_eq!(delivered.prepared_transaction_offset, position);
    for (name, value) in [
        ("UNIQ_KEY", "U"),
        ("TAGS", "t"),
        ("TRAN_MSG", "true"),
        ("PGROUP", "producers"),
    ] {
        assert_eq!(text(delivered, name), value);
    }
    // Read by brokers before 5.0, too.
    assert_eq!(bodies(&client, OP, 0).await, ["0", "1"]);
    assert_eq!(client.everything(OP, 0).await[0].message.tag(), Some("d"));
    stage.stop().await;
}

/// With Apache's broker a commit that comes twice delivers twice.
#[tokio::test]
async fn a_transaction_ends_once() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    let first = client.send(half(0, &[]), "first").await;
    let second = client.send(half(0, &[]), "second").await;

    let ends = futures_util::future::join_all((0..8).map(|n| {
        let verdict = if n % 2 == 0 { COMMIT } else { ROLLBACK };
        client.call(end(&first, verdict))
    }));
    let ends = ends.await;
    client.call(end(&second, ROLLBACK)).await.unwrap();

    assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 1);
    for late in [end(&first, COMMIT), end(&second, COMMIT)] {
        let refusal = refusal(&client, late).await;
        assert_eq!(refusal.code, ResponseCode::SYSTEM_ERROR);
        assert!(
            refusal.remark.contains("was committed, rolled back"),
            "{refusal}"
        );
    }
    let committed =
        usize::from(ends[0].is_ok() || ends[2].is_ok() || ends[4].is_ok() || ends[6].is_ok());
    assert_eq!(client.everything("orders", 0).await.len(), committed);
    assert_eq!(client.everything(OP, 0).await.len(), 2);
    stage.stop().await;
}

#[tokio::test]
async fn an_end_is_for_the_half_message_with_its_group_offsets_and_id_or_for_none() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    let plain = client.send(message("orders", 0), "plain").await;
    let first = client.send(half(0, &[("UNIQ_KEY", "U")]), "first").await;
    let second = client.send(half(0, &[("UNIQ_KEY", "V")]), "second").await;
    let before = client.everything(OP, 0).await.len();

    let wrong = [
        (
            "is not of this producer group",
            EndTransaction {
                producer_group: "others".into(),
                ..end(&first, COMMIT)
            },
        ),
        (
            "another message is",
            EndTransaction {
                tran_state_table_offset: second.queue_offset,
                ..end(&first, COMMIT)
            },
        ),
        ("another message is", end(&plain, COMMIT)),
        (
            "is not there",
            EndTransaction {
                commit_log_offset: end(&first, COMMIT).commit_log_offset + 1,
                ..end(&first, COMMIT)
            },
        ),
        (
            "is not there",
            EndTransaction {
                commit_log_offset: -1,
                ..end(&first, COMMIT)
            },
        ),
        (
            "is not there",
            EndTransaction {
                commit_log_offset: i64::MAX,
                ..end(&first, ROLLBACK)
            },
        ),
        (
            "has another message id",
            EndTransaction {
                transaction_id: Some("V".into()),
                ..end(&first, COMMIT)
            },
        ),
    ];
    for (why, end) in wrong {
        let refusal = refusal(&client, end).await;
        assert_eq!(refusal.code, ResponseCode::SYSTEM_ERROR);
        assert!(refusal.remark.contains(why), "{why}: {refusal}");
    }
    let refused = client.refused(end(&first, 7)).await;
    assert_eq!(refused, ResponseCode::INVALID_PARAMETER);
    client
        .call(end(&first, EndTransaction::UNKNOWN))
        .await
        .unwrap();

    assert_eq!(bodies(&client, "orders", 0).await, ["plain"]);
    assert_eq!(client.everything(OP, 0).await.len(), before);
    // C++ and older clients give no id.
    let without = EndTransaction {
        topic: None,
        msg_id: None,
        transaction_id: Some("".into()),
        from_transaction_check: None,
        ..end(&first, COMMIT)
    };
    client.call(without).await.unwrap();
    assert_eq!(bodies(&client, "orders", 0).await, ["plain", "first"]);
    stage.stop().await;
}

#[tokio::test]
async fn what_cannot_be_a_half_message_is_refused_and_nothing_is_stored() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.send(message("orders", 0), "plain").await;
    let no_mark = SendMessage {
        sys_flag: PREPARED,
        ..message("orders", 0)
    };
    let long = "x".repeat(31_744);
    let refused = [
        half(0, &[("DELAY", "3")]),
        half(0, &[("TIMER_DELAY_SEC", "3")]),
        half(0, &[("TIMER_DELIVER_MS", "3")]),
        half(0, &[("x", &long)]),
        SendMessage {
            batch: Some(true),
            ..half(0, &[])
        },
        no_mark,
    ];

    for header in refused {
        let refused = code(client.call_with(header, "x").await);
        assert_eq!(refused, ResponseCode::MESSAGE_ILLEGAL);
    }

    assert!(client.everything(HALF, 0).await.is_empty());
    assert_eq!(bodies(&client, "orders", 0).await, ["plain"]);
    stage.stop().await;
}

/// Properties of 31,743 bytes are the most that a message may have. What is added while it waits, is
/// checked and comes again still fits.
#[tokio::test]
async fn the_longest_properties_come_through_a_transaction() {
    let clock = Clock::manual(START);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let client = stage.client("a");
    let around = client
        .send(half(0, &[("UNIQ_KEY", "U"), ("x", "")]), "short")
        .await;
    let waiting = &client.everything(HALF, 0).await[0];
    let added = [
        "REAL_TOPIC\x01orders\x02",
        "REAL_QID\x010\x02",
        "__transactionId__\x01U\x02",
    ];
    let added: usize = added.iter().map(|part| part.len()).sum();
    let taken = waiting.message.properties.as_bytes().len() - added;
    let long = "x".repeat(31_743 - taken);
    let full = half(0, &[("UNIQ_KEY", "U"), ("x", &long)]);
    client.send(full, "long").await;
    client.call(end(&around, ROLLBACK)).await.unwrap();

    until(&clock, &client, HALF, 4).await;

    let copy = client.everything(HALF, 0).await.remove(3);
    assert_eq!(copy.message.properties.get("x").unwrap().len(), long.len());
    let ended = EndTransaction {
        tran_state_table_offset: copy.queue_offset.to_wire(),
        commit_log_offset: copy.physical_offset.to_wire(),
        ..end(&around, COMMIT)
    };
    client.call(ended).await.unwrap();
    assert_eq!(bodies(&client, "orders", 0).await, ["long"]);
    stage.stop().await;
}

#[tokio::test]
async fn transactions_are_refused_where_they_are_switched_off() {
    let stage = Stage::with(Clock::system(), |config| {
        config.rules.transactions.rejected = true;
    })
    .await;
    let client = stage.client("a");

    let refused = code(client.call_with(half(0, &[]), "x").await);

    assert_eq!(refused, ResponseCode::NO_PERMISSION);
    assert!(client.everything(HALF, 0).await.is_empty());
    stage.stop().await;
}

/// Clients before 4.6.1 send the retry of a committed message with the marks of a half message.
#[tokio::test]
async fn the_retry_of_a_committed_message_is_no_half_message() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    let retry = SendMessage {
        reconsume_times: Some(1),
        topic: "%RETRY%g".into(),
        ..half(0, &[("DELAY", "1")])
    };

    client.send(retry, "again").await;

    assert!(client.everything(HALF, 0).await.is_empty());
    assert_eq!(client.everything("SCHEDULE_TOPIC_XXXX", 0).await.len(), 1);
    stage.stop().await;
}

/// A check stores the half message again. With Apache's broker who then ends it by its first offsets,
/// because the transaction took long, has it delivered, and the check of the copy once more.
#[tokio::test]
async fn whoever_ends_it_by_its_first_offsets_ends_the_copy() {
    let clock = Clock::manual(START);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let client = stage.client("a");
    let slow = client.send(half(0, &[("UNIQ_KEY", "U")]), "slow").await;
    let kept = client.send(half(0, &[]), "kept").await;
    until(&clock, &client, HALF, 6).await;
    let copies = client.everything(HALF, 0).await;
    let times = |message: &MessageExt| {
        let times = message
            .message
            .properties
            .get(property::TRANSACTION_CHECK_TIMES);
        times.map(str::to_owned)
    };
    let times: Vec<_> = copies.iter().map(times).collect();
    let expected = [None, None, Some("1"), Some("1"), Some("2"), Some("2")];
    assert_eq!(times, expected.map(|times| times.map(str::to_owned)));

    let stage = stage.restarted().await;
    let client = stage.client("a");
    client.call(end(&slow, COMMIT)).await.unwrap();
    let refusal = refusal(&client, end(&slow, COMMIT)).await;
    assert!(refusal.remark.contains("was committed"), "{refusal}");
    client.call(end(&kept, ROLLBACK)).await.unwrap();

    for _ in 0..100 {
        clock.advance(SECOND).await;
    }
    assert_eq!(client.everything(HALF, 0).await.len(), 6);
    assert_eq!(bodies(&client, "orders", 0).await, ["slow"]);
    until_progress(&clock, &client, 6, 6).await;
    stage.stop().await;
}

#[tokio::test]
async fn checks_begin_after_6_s_or_as_the_message_wishes_and_come_every_30_s_until_there_were_15() {
    let clock = Clock::manual(START);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let client = stage.client("a");
    client.send(half(0, &[]), "usual").await;
    let wish = half(0, &[("CHECK_IMMUNITY_TIME_IN_SECONDS", "100")]);
    client.send(wish, "patient").await;
    let mut stored = Vec::new();
    let begun = clock.moment();

    while client.everything(ASIDE, 0).await.len() < 2 {
        clock.advance(SECOND).await;
        let halves = client.everything(HALF, 0).await;
        let new = halves.iter().skip(stored.len() + 2);
        let since = clock.moment().since(begun).as_secs();
        let new: Vec<_> = new.map(|half| (half.message.body.clone(), since)).collect();
        stored.extend(new);
    }

    for (body, first) in [("usual", 6), ("patient", 100)] {
        let times: Vec<_> = stored
            .iter()
            .filter(|(of, _)| of == body)
            .map(|(_, at)| *at)
            .collect();
        let expected: Vec<_> = (0..15).map(|check| first + 30 * check).collect();
        assert_eq!(times.len(), expected.len());
        for (at, expected) in times.iter().zip(&expected) {
            assert!((*expected..expected + 15).contains(at), "{body}: {times:?}");
        }
    }
    assert_eq!(bodies(&client, ASIDE, 0).await, ["usual", "patient"]);
    let aside = &client.everything(ASIDE, 0).await[0];
    let properties = &aside.message.properties;
    assert_eq!(
        properties.get(property::TRANSACTION_CHECK_TIMES),
        Some("15")
    );
    assert_eq!(properties.get(property::REAL_TOPIC), Some("orders"));
    assert!(client.everything("orders", 0).await.is_empty());
    // Its own time was over with the first check, for whichever broker goes on with this store.
    let own_time = |half: &MessageExt| {
        let name = property::CHECK_IMMUNITY_TIME_IN_SECONDS;
        half.message.properties.get(name).is_some()
    };
    let halves = client.everything(HALF, 0).await;
    assert_eq!(halves.iter().filter(|half| own_time(half)).count(), 1);
    stage.stop().await;
}

#[tokio::test]
async fn a_restart_finds_what_is_open_and_nothing_else() {
    let clock = Clock::manual(START);
    let mut stage = Stage::with(clock.clone(), |_| {}).await;
    let mut replies = Vec::new();
    for n in 0..6 {
        let client = stage.client("a");
        let body = ["0", "1", "2", "3", "4", "5"][n];
        replies.push(client.send(half(0, &[]), body).await);
        if n % 2 == 0 {
            client
                .call(end(&replies[n], if n == 2 { ROLLBACK } else { COMMIT }))
                .await
                .unwrap();
        }
        stage = stage.restarted().await;
    }
    let client = stage.client("a");

    for n in [0, 2, 4] {
        assert!(
            refusal(&client, end(&replies[n], COMMIT))
                .await
                .remark
                .contains("before")
        );
    }
    for n in [1, 3, 5] {
        client.call(end(&replies[n], COMMIT)).await.unwrap();
    }
    assert_eq!(
        bodies(&client, "orders", 0).await,
        ["0", "4", "1", "3", "5"]
    );
    until_progress(&clock, &client, 6, 6).await;
    stage.stop().await;
}

#[tokio::test]
async fn another_start_goes_on_where_the_first_open_half_message_is() {
    let clock = Clock::manual(START);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let client = stage.client("a");
    let mut open = Vec::new();
    for _ in 0..5 {
        let patient = half(0, &[("CHECK_IMMUNITY_TIME_IN_SECONDS", "100000")]);
        open.push(client.send(patient, "x").await);
    }
    for n in [0, 1, 3] {
        client.call(end(&open[n], COMMIT)).await.unwrap();
    }
    // The record of the op topic that names 3 is needed as long as 2 is open.
    until_progress(&clock, &client, 2, 0).await;
    client.call(end(&open[2], ROLLBACK)).await.unwrap();
    until_progress(&clock, &client, 4, 4).await;
    client.call(end(&open[4], ROLLBACK)).await.unwrap();
    until_progress(&clock, &client, 5, 5).await;
    stage.stop().await;
}

#[tokio::test]
async fn a_transaction_whose_topic_was_deleted_stays_open() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    let sent = client.send(half(3, &[]), "x").await;
    client
        .call(DeleteTopicInBroker {
            topic: "orders".into(),
        })
        .await
        .unwrap();

    let refusal = refusal(&client, end(&sent, COMMIT)).await;
    assert_eq!(refusal.code, ResponseCode::TOPIC_NOT_EXIST);
    assert!(
        refusal.remark.contains("topic[orders] was deleted"),
        "{refusal}"
    );
    assert!(client.everything(OP, 0).await.is_empty());

    // It comes back, with fewer queues.
    let again = SendMessage {
        default_topic_queue_nums: 1,
        ..message("orders", 0)
    };
    client.send(again, "new").await;
    client.call(end(&sent, COMMIT)).await.unwrap();
    assert_eq!(bodies(&client, "orders", 0).await, ["new", "x"]);
    stage.stop().await;
}

#[tokio::test]
async fn on_a_full_disk_a_transaction_stays_open_and_ends_when_there_is_room() {
    let disk = FaultyDisk::default();
    let clock = Clock::manual(START);
    let config = Stage::config(|config| config.storage.segment_size = 64 * 1024);
    let disk_of_stage: Arc<dyn Disk> = Arc::new(disk.clone());
    let stage = Stage::on(disk_of_stage, config, clock.clone()).await;
    let client = stage.client("a");
    let sent = client.send(half(0, &[]), "x").await;
    let large = "y".repeat(40_000);
    let filling = client.call_with(message("orders", 1), large).await;
    filling.map(drop).unwrap();
    disk.set_fault(Some(Fault::Full));

    // The first that finds no room says so.
    let mut refused = None;
    for _ in 0..100 {
        let large = "y".repeat(30_000);
        if let Err(error) = client.call_with(message("orders", 1), large).await {
            refused = error.refusal().map(|refusal| refusal.code);
            break;
        }
    }
    assert!(refused.is_some());
    let ended = client.call(end(&sent, COMMIT)).await;
    disk.set_fault(None);
    if ended.is_err() {
        for _ in 0..60 {
            clock.advance(SECOND).await;
            if client.call(end(&sent, COMMIT)).await.is_ok() {
                break;
            }
        }
    }

    assert_eq!(bodies(&client, "orders", 0).await, ["x"]);
    assert_eq!(client.everything(OP, 0).await.len(), 1);
    stage.stop().await;
}

/// The property says which half message another one takes the place of.
#[tokio::test]
async fn what_a_broker_says_of_half_messages_no_client_can_say() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    let first = client.send(half(0, &[]), "first").await;
    let claims = [
        ("TRAN_PREPARED_QUEUE_OFFSET", "0"),
        ("TRANSACTION_CHECK_TIMES", "15"),
        ("REAL_TOPIC", "elsewhere"),
        ("REAL_QID", "7"),
        ("__transactionId__", "x"),
    ];
    let second = client.send(half(1, &claims), "second").await;

    client.call(end(&second, COMMIT)).await.unwrap();
    client.call(end(&first, COMMIT)).await.unwrap();

    assert_eq!(bodies(&client, "orders", 0).await, ["first"]);
    assert_eq!(bodies(&client, "orders", 1).await, ["second"]);
    assert!(client.everything(ASIDE, 0).await.is_empty());
    stage.stop().await;
}

/// Who sends a half message names its record later, so it must be where it was said to be.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_half_message_waits_for_the_disk_although_its_sender_does_not_want_to() {
    let disk = FaultyDisk::default();
    let config = Stage::config(|_| {});
    let stage = Stage::on(Arc::new(disk.clone()), config, Clock::system()).await;
    let client = stage.client("a");
    client.send(message("orders", 0), "the topic").await;
    disk.set_fault(Some(Fault::SlowSync));
    let hasty = half(0, &[("WAIT", "false")]);
    let mut sending = Box::pin(client.call_with(hasty, "x"));

    let is_answered = tokio::select! {
        _ = &mut sending => true,
        () = async {
            while disk.slow_syncs() == 0 {
                tokio::task::yield_now().await;
            }
        } => false,
    };

    disk.set_fault(None);
    assert!(!is_answered);
    sending.await.map(drop).unwrap();
    stage.stop().await;
}

/// Whatever a client puts into a body, what is delivered was sent as a half message.
#[tokio::test]
async fn a_half_message_in_the_body_of_another_message_is_none() {
    const BODY_AT: i64 = 88;

    let stage = Stage::new().await;
    let client = stage.client("a");
    let victim = client.send(half(0, &[("UNIQ_KEY", "U")]), "true").await;
    client.send(message("orders", 0), "plain").await;
    let plain = &client.everything("orders", 0).await[0];
    let forged_at = plain.physical_offset.to_wire() + i64::from(plain.store_size) + BODY_AT;
    let waiting = &client.everything(HALF, 0).await[0];
    let mut forged = waiting.message.clone();
    forged.body = "forged".into();
    let forged = RecordDraft {
        message: forged,
        queue_id: 0,
        sys_flag: waiting.sys_flag,
        born_timestamp: 1,
        born_host: waiting.born_host,
        store_host: waiting.store_host,
        reconsume_times: 0,
        prepared_transaction_offset: 0,
    };
    let mut body = Vec::new();
    forged.encode(&mut body);
    let position = RecordPosition {
        queue_offset: waiting.queue_offset,
        physical_offset: PhysicalOffset::from_wire(forged_at).unwrap(),
        store_timestamp: START,
    };
    position.write(&mut body);
    let carrier = client.call_with(message("orders", 1), body).await;
    carrier.map(drop).unwrap();
    let carrier = &client.everything("orders", 1).await[0];
    assert_eq!(carrier.physical_offset.to_wire() + BODY_AT, forged_at);

    let forged = EndTransaction {
        commit_log_offset: forged_at,
        ..end(&victim, COMMIT)
    };
    let refusal = refusal(&client, forged).await;
    assert!(refusal.remark.contains("another message is"), "{refusal}");

    client.call(end(&victim, COMMIT)).await.unwrap();
    assert_eq!(bodies(&client, "orders", 0).await, ["plain", "true"]);
    stage.stop().await;
}

/// Regression: whoever committed or reset an offset of the group in whose name the broker keeps its
/// progress had it pass over all open half messages at the next start.
#[tokio::test]
async fn nobody_moves_the_brokers_progress_with_transactions() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    let open = client.send(half(0, &[]), "open").await;

    let commit = UpdateConsumerOffset {
        consumer_group: "CID_RMQ_SYS_TRANS".into(),
        topic: HALF.into(),
        queue_id: Some(0),
        commit_offset: Some(1),
    };
    assert_eq!(client.refused(commit).await, ResponseCode::NO_PERMISSION);
    let pull = PullMessage {
        consumer_group: "CID_RMQ_SYS_TRANS".into(),
        sys_flag: PullMessage::SUBSCRIPTION | PullMessage::COMMIT,
        commit_offset: 1,
        ..pull(HALF, 0, 0)
    };
    assert_eq!(client.refused(pull).await, ResponseCode::NO_PERMISSION);
    let reset = InvokeBrokerToResetOffset {
        group: "CID_RMQ_SYS_TRANS".into(),
        topic: HALF.into(),
        timestamp: -1,
        is_force: true,
        ..InvokeBrokerToResetOffset::default()
    };
    assert_eq!(client.refused(reset).await, ResponseCode::NO_PERMISSION);

    let stage = stage.restarted().await;
    let client = stage.client("b");
    client.call(end(&open, COMMIT)).await.unwrap();
    assert_eq!(bodies(&client, "orders", 0).await, ["open"]);
    stage.stop().await;
}

#[tokio::test]
async fn a_half_message_that_was_set_aside_can_be_checked_and_ended_again() {
    let clock = Clock::manual(START);
    let stage = Stage::with(clock.clone(), |config| {
        config.rules.transactions.most_checks = 1;
    })
    .await;
    let client = stage.client("a");
    let sent = client.send(half(0, &[("UNIQ_KEY", "U")]), "late").await;
    let resume = |id: &str| ResumeCheckHalfMessage {
        topic: Some("orders".into()),
        msg_id: Some(id.into()),
    };
    client.call(resume(&sent.msg_id)).await.unwrap();
    assert_eq!(
        client.everything(HALF, 0).await.len(),
        1,
        "it is still open"
    );
    until(&clock, &client, ASIDE, 1).await;
    let halves = client.everything(HALF, 0).await.len();
    let aside = client.everything(ASIDE, 0).await.remove(0);
    let aside = aside.offset_message_id().to_string();

    client.call(resume(&aside)).await.unwrap();

    let again = client.everything(HALF, 0).await.pop().unwrap();
    assert_eq!(client.everything(HALF, 0).await.len(), halves + 1);
    let checks = again
        .message
        .properties
        .get(property::TRANSACTION_CHECK_TIMES);
    assert_eq!(checks, None);
    let commit = EndTransaction {
        tran_state_table_offset: again.queue_offset.to_wire(),
        commit_log_offset: again.physical_offset.to_wire(),
        ..end(&sent, COMMIT)
    };
    client.call(commit).await.unwrap();
    assert_eq!(bodies(&client, "orders", 0).await, ["late"]);
    // One that has ended, one that is none, and what is no id.
    let ordinary = client.send(message("orders", 0), "x").await;
    for id in [
        again.offset_message_id().to_string(),
        ordinary.msg_id.to_string(),
        "no id".to_owned(),
    ] {
        assert_eq!(
            client.refused(resume(&id)).await,
            ResponseCode::SYSTEM_ERROR,
            "{id}"
        );
    }
    stage.stop().await;
}
