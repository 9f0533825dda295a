//! The power goes while messages are given back, come again and die: each is in one place or in both,
//! never in neither.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mq_core::clock::Clock;
use mq_core::message::{MessageExt, property};
use mq_core::store::disk::{FaultyDisk, SmallFiles};
use mq_core::wire::Request;
use mq_core::wire::header::ConsumerSendMsgBack;

use crate::stage::{Client, SECOND, Stage, message, with};

const START: i64 = 1_800_000_000_000;
const CUTS: u64 = 1_000;
const MESSAGES: usize = 4;
const IDS: [&str; MESSAGES] = ["A", "B", "C", "D"];
const DELAYED: &str = "SCHEDULE_TOPIC_XXXX";

/// Reproducible (`SplitMix64`).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// What the broker has confirmed before the power went.
#[derive(Debug, Default)]
struct Confirmed {
    sent: BTreeSet<String>,
    retried: BTreeSet<String>,
    dead: BTreeSet<String>,
}

fn config() -> mq_core::broker::config::BrokerConfig {
    Stage::config(|config| config.storage.segment_size = 64 * 1024)
}

fn back(message: &MessageExt, delay_level: i32) -> ConsumerSendMsgBack {
    ConsumerSendMsgBack {
        offset: message.physical_offset.to_wire(),
        group: "g".into(),
        delay_level,
        ..ConsumerSendMsgBack::default()
    }
}

/// Lets so much time pass that a message of delay level 1 comes, and that the progress of the delays is
/// saved after some.
async fn until_delivered(clock: &Clock, client: &Client, count: usize) -> Option<()> {
    for _ in 0..5 {
        let there = everything(client, "%RETRY%g").await?;
        if there.len() >= count {
            return Some(());
        }
        clock.advance(SECOND).await;
    }
    None
}

/// Everything in the first queue of a topic; `None` when the broker does not tell.
async fn everything(client: &Client, topic: &'static str) -> Option<Vec<MessageExt>> {
    let reply = client.call(crate::stage::pull(topic, 0, 0)).await.ok()?;
    mq_core::message::record::decode_all(reply.body).ok()
}

async fn done<R: Request>(client: &Client, request: R) -> Option<()> {
    client.call(request).await.ok().map(drop)
}

/// Every message is sent, given back, comes again and becomes a dead letter; ends where the power goes.
async fn scenario(client: &Client, clock: &Clock, confirmed: &mut Confirmed) -> Option<()> {
    for id in IDS {
        let header = with(message("orders", 0), &[(property::UNIQ_KEY, id)]);
        client.call_with(header, id).await.ok()?;
        confirmed.sent.insert(id.to_owned());
    }
    for (n, message) in everything(client, "orders").await?.iter().enumerate() {
        done(client, back(message, 1)).await?;
        confirmed.retried.insert(message.message_id());
        if n == 1 {
            until_delivered(clock, client, 2).await?;
            // The progress is saved.
            clock.advance(11 * SECOND).await;
        }
    }
    until_delivered(clock, client, MESSAGES).await?;
    for message in everything(client, "%RETRY%g").await? {
        done(client, back(&message, -1)).await?;
        confirmed.dead.insert(message.message_id());
    }
    Some(())
}

fn counts(messages: &[MessageExt]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for message in messages {
        *counts.entry(message.message_id()).or_default() += 1;
    }
    counts
}

/// How far the deliveries of delay level 1 are saved.
fn saved_progress(disk: &FaultyDisk) -> u64 {
    let path = "/store/config/delayOffset.json";
    let text = disk.read(path.as_ref()).unwrap().unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let number = text
        .split("1:")
        .nth(1)
        .or_else(|| text.split("\"1\":").nth(1));
    let digits = number.unwrap_or_default().trim_start();
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().unwrap_or(0)
}

async fn on(disk: &FaultyDisk, clock: &Clock) -> Stage {
    let config = config();
    let mut store = config.store();
    // Small files, because a disk in memory copies them.
    store.queue_file_entries = 64;
    Stage::over(store, Arc::new(disk.clone()), config, clock.clone()).await
}

/// How many changes of the disk the whole scenario makes once the broker runs.
async fn whole() -> u64 {
    let (disk, clock) = (FaultyDisk::default(), Clock::manual(START));
    let stage = on(&disk, &clock).await;
    let before = disk.changes();
    let mut confirmed = Confirmed::default();
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    scenario(&client, &clock, &mut confirmed).await.unwrap();
    assert_eq!(confirmed.dead.len(), MESSAGES);
    let changes = disk.changes() - before;
    stage.stop().await;
    // After a clean end each is there exactly once.
    let stage = on(&disk, &clock).await;
    let client = stage.client("b");
    clock.advance(30 * SECOND).await;
    for topic in ["orders", "%RETRY%g", "%DLQ%g"] {
        let there = everything(&client, topic).await.unwrap();
        let once = IDS.map(|id| (id.to_owned(), 1)).into();
        assert_eq!(counts(&there), once, "{topic}");
    }
    stage.stop().await;
    changes
}

#[tokio::test]
async fn wherever_the_power_goes_a_message_that_was_given_back_is_there_and_twice_only_where_progress_was_lost()
 {
    let whole = whole().await;
    let mut cuts_between = 0;
    for seed in 0..CUTS {
        let mut random = Random(seed);
        let (disk, clock) = (FaultyDisk::default(), Clock::manual(START));
        let stage = on(&disk, &clock).await;
        let client = stage.client("a");
        client.heartbeat("g", &[("orders", "*")]).await;
        disk.cut_power_after(random.below(whole));
        let mut confirmed = Confirmed::default();
        let _ended = scenario(&client, &clock, &mut confirmed).await;
        let after = disk.crash(|| random.below(2) == 0);
        stage.abandon().await;
        let saved = saved_progress(&after);

        let stage = on(&after, &clock).await;
        let client = stage.client("b");
        let delayed = everything(&client, DELAYED).await.unwrap_or_default();
        clock.advance(3 * SECOND).await;

        let of = async |topic| counts(&everything(&client, topic).await.unwrap_or_default());
        let (orders, again, dead) = (of("orders").await, of("%RETRY%g").await, of("%DLQ%g").await);
        for id in &confirmed.sent {
            assert!(
                orders.contains_key(id),
                "seed {seed}: {id} of {confirmed:?}"
            );
        }
        for id in &confirmed.retried {
            assert!(again.contains_key(id), "seed {seed}: {id} of {confirmed:?}");
        }
        for id in &confirmed.dead {
            assert!(dead.contains_key(id), "seed {seed}: {id} of {confirmed:?}");
        }
        for (id, count) in &again {
            let at = delayed.iter().find(|message| message.message_id() == *id);
            let unsaved = at.is_none_or(|message| message.queue_offset.0 >= saved);
            let most = if unsaved { 2 } else { 1 };
            assert!(
                *count <= most,
                "seed {seed}: {id} {count} times, saved {saved}"
            );
            cuts_between += usize::from(*count == 2);
        }
        assert!(
            dead.values().all(|count| *count == 1),
            "seed {seed}: {dead:?}"
        );
        stage.stop().await;
    }
    assert!(
        cuts_between > 0,
        "no cut fell between a delivery and its progress"
    );
}
