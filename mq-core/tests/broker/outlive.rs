//! What waits outlives its segment of the log, and a store that Apache's broker has had in between.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use mq_core::broker::config::BrokerConfig;
use mq_core::clock::Clock;
use mq_core::message::record::RecordDraft;
use mq_core::message::{Message, SysFlag, TopicName};
use mq_core::store::disk::{Disk, MemoryDisk};
use mq_core::store::{Durability, MessageStore, SCHEDULE_TOPIC};
use mq_core::wire::header::{GetMinOffset, RecallMessage};

use crate::stage::{Client, SECOND, Stage, message, with};

const START: i64 = 1_800_000_000_000;
const MINUTE_MS: i64 = 60_000;
const TIMERCHECK: &str = "/store/config/timercheck";

/// A broker whose segments go after a minute.
async fn forgetful(clock: &Clock) -> Stage {
    Stage::on(Arc::new(MemoryDisk::default()), forgetting(), clock.clone()).await
}

fn forgetting() -> BrokerConfig {
    Stage::config(|config| {
        config.storage.retention.reserved = Duration::from_mins(1);
        config.storage.retention.hours = (0..24).collect();
        config.rules.delay_levels = "1s 10m".parse().unwrap();
    })
}

fn due(topic: &'static str, after_ms: i64) -> mq_core::wire::header::SendMessage {
    let due_ms = (START + after_ms).to_string();
    with(message(topic, 0), &[("TIMER_DELIVER_MS", &due_ms)])
}

/// Fills three segments.
async fn fill(client: &Client) {
    for _ in 0..4 {
        let body = vec![7; 800_000];
        client.call_with(message("filler", 0), body).await.unwrap();
    }
}

async fn min_offset(client: &Client, topic: &'static str) -> i64 {
    let header = GetMinOffset {
        topic: topic.into(),
        queue_id: 0,
    };
    client.call(header).await.unwrap().header.offset
}

/// Moves the clock on, second by second, until `condition` holds: files are written in real time.
async fn in_time(clock: &Clock, what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let system = Clock::system();
    let begun = system.moment();
    while !condition().await {
        assert!(system.moment().since(begun) < 20 * SECOND, "{what}");
        clock.advance(SECOND).await;
        system.sleep(Duration::from_millis(1)).await;
    }
}

/// Until the first segments have gone.
async fn segments_go(clock: &Clock, client: &Client, moved: i64) {
    let went = async || min_offset(client, "filler").await > moved;
    in_time(clock, "segments went", went).await;
}

/// Until so many messages have come.
async fn come(clock: &Clock, client: &Client, topic: &'static str, count: usize) -> Vec<String> {
    let came = async || bodies(client, topic).await.len() >= count;
    in_time(clock, "the messages came", came).await;
    bodies(client, topic).await
}

async fn bodies(client: &Client, topic: &'static str) -> Vec<String> {
    let messages = client.everything(topic, 0).await;
    let text = |message: &mq_core::message::MessageExt| {
        String::from_utf8_lossy(&message.message.body).into_owned()
    };
    messages.iter().map(text).collect()
}

#[tokio::test]
async fn what_waits_is_stored_again_before_its_segment_goes() {
    let clock = Clock::manual(START);
    let stage = forgetful(&clock).await;
    let client = stage.client("a");
    client.send(due("timed", 9 * MINUTE_MS), "timer").await;
    let gone = client
        .send(due("timed", 9 * MINUTE_MS), "called back")
        .await;
    let recall = RecallMessage {
        topic: "timed".into(),
        recall_handle: gone.recall_handle.unwrap(),
        ..RecallMessage::default()
    };
    client.call(recall).await.unwrap();
    client.send(due("protected", 1_000), "held").await;
    client
        .send(with(message("level", 0), &[("DELAY", "2")]), "level")
        .await;
    client.call(Stage::permits("protected", 4)).await.unwrap();
    fill(&client).await;

    for moved in [0, 2] {
        fill(&client).await;
        segments_go(&clock, &client, moved).await;
    }
    assert!(bodies(&client, "timed").await.is_empty());
    assert!(bodies(&client, "level").await.is_empty());
    let stage = stage.restarted().await;
    let client = stage.client("a");
    client.call(Stage::permits("protected", 6)).await.unwrap();

    assert_eq!(come(&clock, &client, "timed", 1).await, ["timer"]);
    assert_eq!(come(&clock, &client, "level", 1).await, ["level"]);
    assert_eq!(come(&clock, &client, "protected", 1).await, ["held"]);
    let late = &client.everything("level", 0).await[0];
    assert_eq!(late.store_timestamp, START + 10 * MINUTE_MS);
    clock.advance(Duration::from_mins(5)).await;
    assert_eq!(bodies(&client, "timed").await.len(), 1);
    stage.stop().await;
}

/// The broker was away for longer than messages are kept, and finds its segments expired.
#[tokio::test]
async fn what_waits_outlives_a_stop_that_is_longer_than_messages_are_kept() {
    let clock = Clock::manual(START);
    let stage = forgetful(&clock).await;
    let client = stage.client("a");
    client.send(due("timed", 30 * MINUTE_MS), "later").await;
    client.send(due("timed", MINUTE_MS), "meanwhile").await;
    client
        .send(with(message("level", 0), &[("DELAY", "2")]), "level")
        .await;
    fill(&client).await;
    stage.stop().await;
    let (disk, config) = (Arc::clone(&stage.disk), stage.config.clone());
    drop((client, stage));
    clock.advance(Duration::from_mins(20)).await;

    let stage = Stage::on(disk, config, clock.clone()).await;
    let client = stage.client("a");
    segments_go(&clock, &client, 0).await;
    assert_eq!(come(&clock, &client, "timed", 1).await, ["meanwhile"]);
    assert_eq!(come(&clock, &client, "level", 1).await, ["level"]);

    let both = come(&clock, &client, "timed", 2).await;
    assert_eq!(both, ["meanwhile", "later"]);
    assert_eq!(bodies(&client, "level").await.len(), 1);
    stage.stop().await;
}

/// A half message of which nobody says how it ended is stored again with each check, and keeps its segment
/// until then.
#[tokio::test]
async fn a_half_message_outlives_its_segment() {
    let clock = Clock::manual(START);
    let stage = forgetful(&clock).await;
    let client = stage.client("a");
    let half = [
        ("TRAN_MSG", "true"),
        ("PGROUP", "producers"),
        ("UNIQ_KEY", "H"),
    ];
    client.send(with(message("orders", 0), &half), "half").await;
    fill(&client).await;
    stage.stop().await;
    let (disk, config) = (Arc::clone(&stage.disk), stage.config.clone());
    drop((client, stage));
    clock.advance(Duration::from_mins(20)).await;

    let stage = Stage::on(disk, config, clock.clone()).await;
    let client = stage.client("a");
    segments_go(&clock, &client, 0).await;
    let aside = async || {
        !bodies(&client, "TRANS_CHECK_MAX_TIME_TOPIC")
            .await
            .is_empty()
    };
    in_time(&clock, "it was set aside after 15 checks", aside).await;

    assert_eq!(
        bodies(&client, "TRANS_CHECK_MAX_TIME_TOPIC").await,
        ["half"]
    );
    assert!(bodies(&client, "orders").await.is_empty());
    stage.stop().await;
}

/// Regression: while a half message could not be stored again, because its properties left no room for its
/// first offset, no other one was asked about.
#[tokio::test]
async fn a_half_message_that_cannot_be_stored_again_keeps_no_other_one_waiting() {
    let clock = Clock::manual(START);
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::default());
    let mut config = forgetting();
    config.rules.transactions.check_after = Duration::from_hours(1);
    let half = [("PGROUP", "p"), ("REAL_TOPIC", "orders"), ("REAL_QID", "0")];
    let stored = ("RMQ_SYS_TRANS_HALF_TOPIC", &half[..]);
    store_with_long_properties(&disk, &config, &clock, stored).await;
    let stage = Stage::on(disk, config, clock.clone()).await;
    let client = stage.client("a");
    fill(&client).await;
    let expires = START + 5 * MINUTE_MS;
    in_time(&clock, "its segment is to go", async || {
        clock.now_ms() > expires
    })
    .await;

    let half = [
        ("TRAN_MSG", "true"),
        ("PGROUP", "p"),
        ("CHECK_IMMUNITY_TIME_IN_SECONDS", "5"),
    ];
    client
        .send(with(message("orders", 0), &half), "short")
        .await;

    let aside = come(&clock, &client, "TRANS_CHECK_MAX_TIME_TOPIC", 1).await;
    assert_eq!(aside, ["short"]);
    stage.stop().await;
}

/// Regression: what waited was dropped when it was due, or was never asked about, because messages must be
/// shorter now than when it was sent.
#[tokio::test]
async fn what_waits_may_be_longer_than_messages_may_be_now() {
    let clock = Clock::manual(START);
    let stage = forgetful(&clock).await;
    let client = stage.client("a");
    let long = vec![7; 5_000];
    let half = [("TRAN_MSG", "true"), ("PGROUP", "p")];
    for header in [
        due("timed", 40 * MINUTE_MS),
        with(message("level", 0), &[("DELAY", "2")]),
        with(message("orders", 0), &half),
    ] {
        client.call_with(header, long.clone()).await.unwrap();
    }
    fill(&client).await;
    stage.stop().await;
    let (disk, mut config) = (Arc::clone(&stage.disk), stage.config.clone());
    drop((client, stage));
    clock.advance(Duration::from_mins(20)).await;
    config.rules.max_message_size = 1_000;

    let stage = Stage::on(disk, config, clock.clone()).await;
    let client = stage.client("a");

    segments_go(&clock, &client, 0).await;
    for topic in ["level", "timed", "TRANS_CHECK_MAX_TIME_TOPIC"] {
        come(&clock, &client, topic, 1).await;
    }
    stage.stop().await;
}

/// Stores a message as a broker does that takes properties of any length.
async fn store_with_long_properties(
    disk: &Arc<dyn Disk>,
    config: &BrokerConfig,
    clock: &Clock,
    (topic, properties): (&'static str, &[(&str, &str)]),
) {
    let mut message = Message::new(TopicName::new(topic).unwrap(), "long");
    message.properties = properties.iter().copied().collect();
    let length = message.properties.as_bytes().len();
    let rest = "y".repeat(32_767 - length - "x\u{1}\u{2}".len());
    message.properties.set("x", &rest);
    let host = "127.0.0.1:10911".parse().unwrap();
    let draft = RecordDraft {
        message,
        queue_id: 0,
        sys_flag: SysFlag::default(),
        born_timestamp: START,
        born_host: host,
        store_host: host,
        reconsume_times: 0,
        prepared_transaction_offset: 0,
    };
    let (store, _) = MessageStore::open(config.store(), Arc::clone(disk), clock.clone()).unwrap();
    let stored = store.append(&draft, Durability::AsConfigured);
    stored.await.unwrap();
    store.close().unwrap();
}

/// Regression: a delayed message whose properties left no room for the time at which it is due was dropped
/// when it moved among the timers.
#[tokio::test]
async fn a_delayed_message_waits_for_its_topic_however_long_its_properties_are() {
    let clock = Clock::manual(START);
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::default());
    let config = Stage::config(|_| {});
    let properties = [
        ("DELAY", "1"),
        ("REAL_TOPIC", "missing"),
        ("REAL_QID", "0"),
        ("MSG_REGION", "DefaultRegion"),
        ("TRACE_ON", "true"),
    ];
    let stored = (SCHEDULE_TOPIC, &properties[..]);
    store_with_long_properties(&disk, &config, &clock, stored).await;

    let stage = Stage::on(disk, config, clock.clone()).await;
    let client = stage.client("a");
    clock.advance(5 * SECOND).await;
    client.call(Stage::permits("missing", 6)).await.unwrap();

    assert_eq!(come(&clock, &client, "missing", 1).await, ["long"]);
    stage.stop().await;
}

/// Regression: messages of levels that a shorter `messageDelayLevel` does not have were never delivered, and
/// went with their segment.
#[tokio::test]
async fn what_waits_in_a_level_that_is_gone_comes_after_the_delay_that_the_level_had() {
    let clock = Clock::manual(START);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let client = stage.client("a");
    for (level, body) in [("5", "a minute"), ("3", "ten seconds"), ("5", "as well")] {
        let delayed = with(message("level", 0), &[("DELAY", level)]);
        client.send(delayed, body).await;
    }
    stage.stop().await;
    let (disk, mut config) = (Arc::clone(&stage.disk), stage.config.clone());
    drop((client, stage));
    config.rules.delay_levels = "1s 2s".parse().unwrap();

    let stage = Stage::on(disk, config, clock.clone()).await;
    let client = stage.client("a");
    let new = with(message("level", 0), &[("DELAY", "5")]);
    client.send(new, "a new one").await;

    let came = ["a new one", "ten seconds", "a minute", "as well"];
    assert_eq!(come(&clock, &client, "level", 4).await, came);
    let times = client.everything("level", 0).await.into_iter();
    let times: Vec<i64> = times.map(|late| late.store_timestamp - START).collect();
    assert_eq!(times, [2_000, 10_000, 60_000, 60_000]);
    stage.stop().await;
}

/// Regression: what waited was taken for delivered because a damaged `timercheck` said so.
#[tokio::test]
async fn what_a_damaged_file_says_of_the_future_was_not_delivered() {
    let clock = Clock::manual(START);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let client = stage.client("a");
    client.send(due("timed", 10_000), "waits").await;
    stage.stop().await;
    let (disk, config) = (Arc::clone(&stage.disk), stage.config.clone());
    drop((client, stage));
    disk.replace(Path::new(TIMERCHECK), &[0x41; 4096]).unwrap();

    let stage = Stage::on(disk, config, clock.clone()).await;
    let client = stage.client("a");

    assert_eq!(come(&clock, &client, "timed", 1).await, ["waits"]);
    stage.stop().await;
}

/// What Apache's broker leaves in `timercheck`.
fn apaches_timercheck(disk: &dyn Disk, delivered_until: i64, taken_until: i64) {
    let mut page = BytesMut::zeroed(0);
    for number in [delivered_until, 520, taken_until, taken_until, 0, 0, 0] {
        page.put_i64(number);
    }
    page.resize(4096, 0);
    disk.replace(Path::new(TIMERCHECK), &page).unwrap();
}

fn wheel_is_there(disk: &dyn Disk) -> bool {
    disk.read(Path::new("/store/timerwheel")).unwrap().is_some()
}

#[tokio::test]
async fn what_waits_in_apaches_wheel_is_taken_over() {
    let clock = Clock::manual(START);
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::default());
    let config = Stage::config(|_| {});
    let stage = Stage::on(Arc::clone(&disk), config.clone(), clock.clone()).await;
    let client = stage.client("a");
    client
        .send(due("timed", 10_000), "delivered by Apache's")
        .await;
    client
        .send(due("timed", 20_000), "waits in the wheel")
        .await;
    let copied = [("UNIQ_KEY", "C"), ("TIMER_DELIVER_MS", "1800000030000")];
    client
        .send(with(message("timed", 0), &copied), "stored again")
        .await;
    let rolled = [copied[0], copied[1], ("TIMER_ROLL_TIMES", "1")];
    client
        .send(with(message("timed", 0), &rolled), "stored again")
        .await;
    client
        .send(due("timed", 5_000), "not in the wheel yet")
        .await;
    stage.stop().await;
    drop((client, stage));
    apaches_timercheck(&*disk, START + 15_000, 4);
    clock.advance(15 * SECOND).await;
    disk.replace(Path::new("/store/timerwheel"), b"wheel")
        .unwrap();

    let stage = Stage::on(Arc::clone(&disk), config.clone(), clock.clone()).await;
    let client = stage.client("a");
    let came = ["not in the wheel yet", "waits in the wheel", "stored again"];
    assert_eq!(come(&clock, &client, "timed", 3).await, came);
    assert!(
        !wheel_is_there(&*disk),
        "Apache's broker would deliver from it again"
    );
    let stage = stage.restarted().await;
    clock.advance(60 * SECOND).await;
    assert_eq!(bodies(&stage.client("a"), "timed").await.len(), 3);
    stage.stop().await;
}

/// Regression: a message that Apache's broker had stored again came twice when this one was started again
/// before its time.
#[tokio::test]
async fn what_was_taken_over_comes_once_after_the_next_start_too() {
    let clock = Clock::manual(START);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let client = stage.client("a");
    client.send(due("timed", 40_000), "older").await;
    let copied = [("UNIQ_KEY", "C"), ("TIMER_DELIVER_MS", "1800000030000")];
    let rolled = [copied[0], copied[1], ("TIMER_ROLL_TIMES", "1")];
    for properties in [&copied[..], &rolled[..]] {
        let header = with(message("timed", 0), properties);
        client.send(header, "stored again").await;
    }
    stage.stop().await;
    let (disk, config) = (Arc::clone(&stage.disk), stage.config.clone());
    drop((client, stage));
    apaches_timercheck(&*disk, START + 15_000, 3);
    disk.replace(Path::new("/store/timerwheel"), b"wheel")
        .unwrap();
    let stage = Stage::on(Arc::clone(&disk), config, clock.clone()).await;
    let taken = async || !wheel_is_there(&*disk);
    in_time(&clock, "the wheel was taken over", taken).await;

    let stage = stage.restarted().await;
    let client = stage.client("a");

    let both = come(&clock, &client, "timed", 2).await;
    assert_eq!(both, ["stored again", "older"]);
    stage.stop().await;
}

/// What Apache's broker finds when it gets the store: the smallest queue offset of what waits.
#[tokio::test]
async fn apaches_broker_is_told_from_where_on_messages_wait() {
    let clock = Clock::manual(START);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let client = stage.client("a");
    for (after_ms, body) in [(1_000, "a"), (90_000, "b"), (2_000, "c")] {
        client.send(due("timed", after_ms), body).await;
    }
    clock.advance(10 * SECOND).await;
    stage.stop().await;

    let page = stage.disk.read(Path::new(TIMERCHECK)).unwrap().unwrap();
    let number = |nth: usize| i64::from_be_bytes(page[nth * 8..][..8].try_into().unwrap());
    assert_eq!([number(0), number(2), number(3)], [START + 2_000, 1, 1]);
    assert_eq!(page.len(), 4096);
}
