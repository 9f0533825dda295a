//! Messages for a time of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mq_core::clock::Clock;
use mq_core::message::{MessageExt, property};
use mq_core::store::disk::FaultyDisk;
use mq_core::wire::body::KvTable;
use mq_core::wire::header::{
    DeleteTopicInBroker, GetBrokerRuntimeInfo, RecallMessage, SendBatchMessage, SendMessage,
    SendMessageReply, UpdateAndCreateTopic,
};
use mq_core::wire::{ResponseCode, fastjson};

use crate::stage::{Client, SECOND, Stage, code, eventually, message, with};

const START: i64 = 1_800_000_000_123;
const MILLISECOND: Duration = Duration::from_millis(1);
const TIMERS: &str = "rmq_sys_wheel_timer";

async fn stage() -> (Stage, Clock) {
    let clock = Clock::manual(START);
    (Stage::with(clock.clone(), |_| {}).await, clock)
}

/// A message for `orders` that is due so many ms after the start.
fn due(after_ms: i64) -> SendMessage {
    let due_ms = (START + after_ms).to_string();
    with(message("orders", 0), &[("TIMER_DELIVER_MS", &due_ms)])
}

async fn bodies(client: &Client) -> Vec<String> {
    let messages = client.everything("orders", 0).await;
    let text = |message: &MessageExt| String::from_utf8_lossy(&message.message.body).into_owned();
    messages.iter().map(text).collect()
}

/// Waits, in real time, until so many messages have come: what is due is stored by tasks and threads that
/// the clock of the broker knows nothing of.
async fn come(client: &Client, topic: &'static str, queue: i32, count: usize) -> Vec<MessageExt> {
    let system = Clock::system();
    let begun = system.moment();
    loop {
        let came = client.everything(topic, queue).await;
        if came.len() >= count {
            return came;
        }
        let waited = system.moment().since(begun);
        assert!(
            waited < 10 * SECOND,
            "{} of {count} came to {topic}",
            came.len()
        );
        system.sleep(MILLISECOND).await;
    }
}

/// The bodies of the messages for `orders`, once so many have come.
async fn came(client: &Client, count: usize) -> Vec<String> {
    come(client, "orders", 0, count).await;
    bodies(client).await
}

/// Where the log ends.
async fn log_end(client: &Client) -> String {
    let reply = client.call(GetBrokerRuntimeInfo).await.unwrap();
    let mut table: KvTable = fastjson::read(&reply.body).unwrap();
    table
        .table
        .remove("commitLogMaxOffset")
        .unwrap()
        .to_string()
}

fn recall(sent: &SendMessageReply) -> RecallMessage {
    RecallMessage {
        topic: "orders".into(),
        recall_handle: sent.recall_handle.clone().unwrap(),
        ..RecallMessage::default()
    }
}

#[tokio::test]
async fn a_message_comes_at_its_millisecond_and_not_before() {
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    let wish = [
        ("TIMER_DELAY_MS", "4877"),
        ("UNIQ_KEY", "U"),
        ("TAGS", "late"),
        ("KEYS", "k"),
    ];
    let sent = client.send(with(message("orders", 2), &wish), "x").await;
    assert_eq!(
        sent.queue_id, 2,
        "the answer has the queue that was asked for"
    );

    clock.advance(4_876 * MILLISECOND).await;
    assert!(client.everything("orders", 2).await.is_empty());
    clock.advance(MILLISECOND).await;

    let [late] = &come(&client, "orders", 2, 1).await[..] else {
        panic!("not there")
    };
    assert_eq!(late.store_timestamp, START + 4_877);
    assert_eq!(
        (late.message_id().as_str(), late.message.tag()),
        ("U", Some("late"))
    );
    let kept = late.message.properties.get(property::REAL_TOPIC);
    assert_eq!(kept, Some("orders"));
    stage.stop().await;
}

#[tokio::test]
async fn messages_come_in_the_order_of_their_times_whatever_came_first() {
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    for (after_ms, body) in [(3_000, "c"), (1_000, "a"), (2_000, "b"), (-1, "now")] {
        client.send(due(after_ms), body).await;
    }
    assert_eq!(came(&client, 1).await, ["now"]);

    clock.advance(3 * SECOND).await;

    assert_eq!(came(&client, 4).await, ["now", "a", "b", "c"]);
    stage.stop().await;
}

#[tokio::test]
async fn a_level_counts_before_a_time_and_what_is_impossible_is_refused() {
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    let both = with(
        message("orders", 0),
        &[("DELAY", "1"), ("TIMER_DELAY_SEC", "9")],
    );
    assert_eq!(client.send(both, "level").await.recall_handle, None);
    clock.advance(2 * SECOND).await;
    assert_eq!(came(&client, 1).await, ["level"]);

    let before = log_end(&client).await;
    let too_far = with(message("orders", 0), &[("TIMER_DELAY_SEC", "259201")]);
    assert_eq!(client.refused(too_far).await, ResponseCode::MESSAGE_ILLEGAL);
    let word = with(message("orders", 0), &[("TIMER_DELIVER_MS", "soon")]);
    assert_eq!(client.refused(word).await, ResponseCode::MESSAGE_ILLEGAL);
    let closed = client.refused(message(TIMERS, 0)).await;
    assert_eq!(closed, ResponseCode::NO_PERMISSION);
    let mut child = vec![0, 0, 0, 40];
    child.extend([0; 16]);
    child.extend([0, 18]);
    child.extend(b"TIMER_DELAY_SEC\x019\x02");
    let batch = client
        .call_with(SendBatchMessage(message("orders", 0)), child)
        .await;
    assert_eq!(code(batch), ResponseCode::MESSAGE_ILLEGAL);
    assert_eq!(log_end(&client).await, before, "nothing was stored");
    stage.stop().await;
}

#[tokio::test]
async fn a_broker_without_timers_refuses_them() {
    let stage = Stage::with(Clock::manual(START), |config| {
        config.rules.timers = None;
    })
    .await;
    let client = stage.client("a");

    assert_eq!(client.refused(due(1_000)).await, ResponseCode::SYSTEM_ERROR);
    assert_eq!(
        client.send(message("orders", 0), "x").await.recall_handle,
        None
    );
    stage.stop().await;
}

#[tokio::test]
async fn what_waits_outlives_a_restart_and_comes_once() {
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    for (after_ms, body) in [(9_000, "late"), (1_000, "early"), (5_000, "middle")] {
        client.send(due(after_ms), body).await;
    }
    clock.advance(2 * SECOND).await;
    assert_eq!(came(&client, 1).await, ["early"]);

    let stage = stage.restarted().await;
    let client = stage.client("a");
    clock.advance(2 * SECOND).await;
    assert_eq!(came(&client, 1).await, ["early"]);
    client.send(due(4_500), "new").await;
    clock.advance(2 * SECOND).await;
    assert_eq!(came(&client, 3).await, ["early", "new", "middle"]);
    let stage = stage.restarted().await;
    let client = stage.client("a");
    clock.advance(9 * SECOND).await;

    assert_eq!(came(&client, 4).await, ["early", "new", "middle", "late"]);
    stage.stop().await;
}

/// The clock may be set while messages wait. Neither do those come twice that were delivered, nor is one
/// lost whose time was delivered before it came.
#[tokio::test]
async fn a_clock_that_is_set_forth_and_back_loses_nothing_and_repeats_nothing() {
    const DAY_MS: i64 = 86_400_000;

    let (stage, clock) = stage().await;
    let client = stage.client("a");
    client.send(due(5_000), "first").await;
    client.send(due(DAY_MS / 2), "noon").await;
    clock.set_wall(START + DAY_MS);
    clock.advance(SECOND).await;
    assert_eq!(came(&client, 2).await, ["first", "noon"]);

    clock.set_wall(START);
    client.send(due(3_000), "second").await;
    let stage = stage.restarted().await;
    let client = stage.client("a");
    clock.advance(2 * SECOND).await;
    assert_eq!(bodies(&client).await.len(), 2);
    clock.advance(SECOND).await;
    assert_eq!(came(&client, 3).await, ["first", "noon", "second"]);

    let stage = stage.restarted().await;
    clock.advance(9 * SECOND).await;
    assert_eq!(bodies(&stage.client("a")).await.len(), 3);
    stage.stop().await;
}

/// Regression: the stop dropped the save that was under way, took its changes for saved, and the next
/// start found one of its two files without the other: everything since came twice.
#[tokio::test]
async fn a_stop_during_a_save_keeps_what_was_delivered() {
    let (disk, clock) = (FaultyDisk::default(), Clock::manual(START));
    let config = Stage::config(|config| config.storage.segment_size = 64 * 1024);
    let stage = Stage::on(Arc::new(disk.clone()), config, clock.clone()).await;
    let client = stage.client("a");
    client.send(due(60_000), "later").await;
    client.send(due(1_500), "x").await;
    clock.advance(1_500 * MILLISECOND).await;
    assert_eq!(came(&client, 1).await, ["x"]);
    let is_slow = Arc::new(AtomicBool::new(true));
    let waits = Arc::new(AtomicBool::new(false));
    let (slow, waiting) = (Arc::clone(&is_slow), Arc::clone(&waits));
    disk.set_slow_call(move || {
        while slow.load(Ordering::SeqCst) {
            waiting.store(true, Ordering::SeqCst);
            std::thread::yield_now();
        }
    });
    clock.advance(SECOND).await;
    eventually("a save is under way", || waits.load(Ordering::SeqCst)).await;

    let goes_on = async {
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        is_slow.store(false, Ordering::SeqCst);
    };
    let (stage, ()) = tokio::join!(stage.restarted(), goes_on);

    let client = stage.client("a");
    clock.advance(9 * SECOND).await;
    assert_eq!(came(&client, 1).await, ["x"]);
    clock.advance(60 * SECOND).await;
    assert_eq!(came(&client, 2).await, ["x", "later"]);
    stage.stop().await;
}

#[tokio::test]
async fn a_message_that_was_called_back_does_not_come() {
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    let first = client.send(due(5_000), "first").await;
    let second = client.send(due(5_000), "second").await;
    client.send(due(5_001), "third").await;

    let recalled = client.call(recall(&first)).await.unwrap().header;
    assert_eq!(Some(recalled.msg_id), first.transaction_id);
    let stage = stage.restarted().await;
    let client = stage.client("a");
    clock.advance(4_999 * MILLISECOND).await;
    client.call(recall(&second)).await.unwrap();
    clock.advance(9 * SECOND).await;

    assert_eq!(came(&client, 1).await, ["third"]);
    let stage = stage.restarted().await;
    clock.advance(9 * SECOND).await;
    assert_eq!(bodies(&stage.client("a")).await, ["third"]);
    stage.stop().await;
}

/// Regression: a message was lost because another one with its key, for another time, was called back.
#[tokio::test]
async fn of_two_messages_with_one_key_the_one_for_another_time_comes() {
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    let for_time = |after_ms: i64| {
        let due_ms = (START + after_ms).to_string();
        let wish = [("UNIQ_KEY", "U"), ("TIMER_DELIVER_MS", &*due_ms)];
        with(message("orders", 0), &wish)
    };
    let first = client.send(for_time(5_000), "first").await;
    client.send(for_time(15_000), "second").await;
    client.call(recall(&first)).await.unwrap();
    client.send(due(16_000), "last").await;

    // Both are overdue when the broker comes to them.
    clock.set_wall(START + 20_000);
    clock.advance(SECOND).await;

    assert_eq!(came(&client, 2).await, ["second", "last"]);
    stage.stop().await;
}

/// Regression: a recall was confirmed although the message had been delivered while it was stored.
#[tokio::test]
async fn a_recall_that_is_stored_too_late_is_not_confirmed() {
    let (disk, clock) = (FaultyDisk::default(), Clock::manual(START));
    let config = Stage::config(|config| config.storage.segment_size = 64 * 1024);
    let stage = Stage::on(Arc::new(disk.clone()), config, clock.clone()).await;
    let client = stage.client("a");
    let sent = client.send(due(1_000), "x").await;

    disk.set_slow_write({
        let clock = clock.clone();
        move || clock.set_wall(START + 1_000)
    });
    let refused = client.refused(recall(&sent)).await;

    assert_eq!(refused, ResponseCode::ILLEGAL_OPERATION);
    stage.stop().await;
}

/// Regression: the message went to a queue that the topic did not have any more, where nobody reads.
#[tokio::test]
async fn a_message_for_a_queue_that_is_gone_comes_to_one_that_is_there() {
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    let timer = with(message("gone", 3), &[("TIMER_DELAY_MS", "1000")]);
    client.send(timer, "timer").await;
    let level = with(message("gone", 2), &[("DELAY", "1")]);
    client.send(level, "level").await;
    let delete = DeleteTopicInBroker {
        topic: "gone".into(),
    };
    client.call(delete).await.unwrap();
    let fewer = UpdateAndCreateTopic {
        read_queue_nums: 1,
        write_queue_nums: 1,
        ..Stage::permits("gone", 6)
    };
    client.call(fewer).await.unwrap();

    clock.advance(2 * SECOND).await;

    come(&client, "gone", 0, 2).await;
    stage.stop().await;
}

/// Regression: a delayed message that also names another one to cancel was taken for a cancellation when it
/// moved among the timers, and never delivered.
#[tokio::test]
async fn a_delayed_message_is_delivered_although_it_names_one_to_cancel() {
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    let properties = [("DELAY", "1"), ("TIMER_DEL_UNIQKEY", "gone+U")];
    client
        .send(with(message("gone", 0), &properties), "x")
        .await;
    let delete = DeleteTopicInBroker {
        topic: "gone".into(),
    };
    client.call(delete).await.unwrap();
    clock.advance(2 * SECOND).await;
    come(&client, TIMERS, 0, 1).await;

    client.call(Stage::permits("gone", 6)).await.unwrap();
    clock.advance(2 * SECOND).await;

    come(&client, "gone", 0, 1).await;
    stage.stop().await;
}

#[tokio::test]
async fn a_handle_that_is_damaged_foreign_or_too_late_is_refused() {
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    let sent = client.send(due(5_000), "x").await;
    client.send(message("others", 0), "y").await;
    let before = log_end(&client).await;
    let with_handle = |handle: &str| RecallMessage {
        recall_handle: handle.into(),
        ..recall(&sent)
    };
    let handle: mq_core::message::RecallHandle =
        sent.recall_handle.clone().unwrap().parse().unwrap();
    let mut foreign = handle.clone();
    foreign.broker = "broker-b".to_owned();
    let mut too_far = handle;
    too_far.due_ms += 259_200_000;

    for wrong in ["", "%%%", &foreign.to_string(), &too_far.to_string()] {
        let refused = client.refused(with_handle(wrong)).await;
        assert_eq!(refused, ResponseCode::ILLEGAL_OPERATION, "{wrong}");
    }
    let topic = |topic: &'static str| RecallMessage {
        topic: topic.into(),
        ..recall(&sent)
    };
    assert_eq!(
        client.refused(topic("others")).await,
        ResponseCode::ILLEGAL_OPERATION
    );
    assert_eq!(
        client.refused(topic("nowhere")).await,
        ResponseCode::TOPIC_NOT_EXIST
    );
    clock.advance(5 * SECOND).await;
    let after = log_end(&client).await;
    assert_ne!(after, before, "it was delivered");
    assert_eq!(
        client.refused(recall(&sent)).await,
        ResponseCode::ILLEGAL_OPERATION
    );
    assert_eq!(log_end(&client).await, after);
    assert_eq!(came(&client, 1).await, ["x"]);
    stage.stop().await;
}

#[tokio::test]
async fn a_message_whose_topic_takes_none_waits_on_and_keeps_nothing_else_waiting() {
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    client.send(due(1_000), "protected").await;
    client
        .send(
            with(message("orders", 0), &[("DELAY", "1")]),
            "protected level",
        )
        .await;
    client
        .send(
            with(message("gone", 0), &[("TIMER_DELAY_MS", "1000")]),
            "gone",
        )
        .await;
    client
        .send(with(message("gone", 0), &[("DELAY", "1")]), "gone level")
        .await;
    client
        .send(
            with(message("others", 0), &[("TIMER_DELAY_MS", "1500")]),
            "x",
        )
        .await;
    client
        .send(with(message("others", 0), &[("DELAY", "1")]), "y")
        .await;
    client.call(Stage::permits("orders", 4)).await.unwrap();
    client
        .call(DeleteTopicInBroker {
            topic: "gone".into(),
        })
        .await
        .unwrap();

    clock.advance(5 * SECOND).await;
    assert!(bodies(&client).await.is_empty());
    come(&client, "others", 0, 2).await;

    let stage = stage.restarted().await;
    let client = stage.client("a");
    clock.advance(5 * SECOND).await;
    assert_eq!(
        client.everything("others", 0).await.len(),
        2,
        "they come once"
    );
    client.call(Stage::permits("orders", 6)).await.unwrap();
    client.call(Stage::permits("gone", 6)).await.unwrap();
    clock.advance(5 * SECOND).await;

    assert_eq!(came(&client, 2).await, ["protected", "protected level"]);
    come(&client, "gone", 0, 2).await;
    stage.stop().await;
}

/// So many bytes are not read at a time; what is left of a batch comes with the next.
#[tokio::test]
async fn long_messages_that_are_due_together_all_come_in_their_order() {
    const LENGTH: usize = 900 * 1024;
    let (stage, clock) = stage().await;
    let client = stage.client("a");
    for number in 0..24_u8 {
        let due = due(1_000 + i64::from(number));
        let sent = client.call_with(due, vec![b'a' + number; LENGTH]).await;
        sent.map(drop).unwrap();
    }

    clock.advance(2 * SECOND).await;

    let came = come(&client, "orders", 0, 24).await;
    let first = |message: &MessageExt| message.message.body[0] - b'a';
    let numbers: Vec<u8> = came.iter().map(first).collect();
    assert_eq!(numbers, (0..24).collect::<Vec<_>>());
    stage.stop().await;
}
