//! The power goes while messages are given back, come again and die: each is in one place or in both,
//! never in neither.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mq_core::clock::Clock;
use mq_core::message::{MessageExt, property};
use mq_core::store::disk::{FaultyDisk, SmallFiles};
use mq_core::wire::Request;
use mq_core::wire::header::ConsumerSendMsgBack;

use crate::power::{self, Random};
use crate::stage::{Client, SECOND, Stage, message, with};

const START: i64 = 1_800_000_000_000;
const CUTS: u64 = 1_000;
const MESSAGES: usize = 4;
const IDS: [&str; MESSAGES] = ["A", "B", "C", "D"];
/// How long messages may take in real time.
const LIMIT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(1);
const DELAYED: &str = "SCHEDULE_TOPIC_XXXX";

/// What the broker has confirmed before the power went.
#[derive(Debug, Default)]
struct Confirmed {
    sent: BTreeSet<String>,
    retried: BTreeSet<String>,
    dead: BTreeSet<String>,
}

fn back(message: &MessageExt, delay_level: i32) -> ConsumerSendMsgBack {
    ConsumerSendMsgBack {
        offset: message.physical_offset.to_wire(),
        group: "g".into(),
        delay_level,
        ..ConsumerSendMsgBack::default()
    }
}

/// Lets so much time pass that a message of delay level 1 comes; `None` when the power goes before.
async fn until_delivered(
    disk: &FaultyDisk,
    clock: &Clock,
    client: &Client,
    count: usize,
) -> Option<()> {
    clock.advance(3 * SECOND).await;
    let have_come = async || Some(everything(client, "%RETRY%g").await?.len() >= count);
    // Threads that read and write take their own time.
    let coming = async {
        while !have_come().await? {
            if !disk.has_power() {
                return None;
            }
            Clock::system().sleep(PAUSE).await;
        }
        Some(())
    };
    let limit = Clock::system().timeout(LIMIT, coming).await;
    limit.expect("messages that were given back come again")
}

/// Waits until all these messages have come again, or should have.
async fn until_all_came(client: &Client, retried: &BTreeSet<String>) {
    let coming = async {
        loop {
            let there = everything(client, "%RETRY%g").await.unwrap_or_default();
            let there = counts(&there);
            if retried.iter().all(|id| there.contains_key(id)) {
                return;
            }
            Clock::system().sleep(PAUSE).await;
        }
    };
    // What has not come by then is told by the caller.
    let _whether_all_came = Clock::system().timeout(LIMIT, coming).await;
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
async fn scenario(
    disk: &FaultyDisk,
    clock: &Clock,
    client: &Client,
    confirmed: &mut Confirmed,
) -> Option<()> {
    for id in IDS {
        let header = with(message("orders", 0), &[(property::UNIQ_KEY, id)]);
        client.call_with(header, id).await.ok()?;
        confirmed.sent.insert(id.to_owned());
    }
    for (n, message) in everything(client, "orders").await?.iter().enumerate() {
        done(client, back(message, 1)).await?;
        confirmed.retried.insert(message.message_id());
        if n == 1 {
            until_delivered(disk, clock, client, 2).await?;
            // The progress is saved.
            clock.advance(11 * SECOND).await;
        }
    }
    until_delivered(disk, clock, client, MESSAGES).await?;
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
    power::stage_on(disk, Stage::config(|_| {}), clock).await
}

/// How many changes of the disk the whole scenario makes once the broker runs.
async fn whole() -> u64 {
    let (disk, clock) = (FaultyDisk::default(), Clock::manual(START));
    let stage = on(&disk, &clock).await;
    let before = disk.changes();
    let mut confirmed = Confirmed::default();
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    scenario(&disk, &clock, &client, &mut confirmed)
        .await
        .unwrap();
    assert_eq!(confirmed.dead.len(), MESSAGES);
    let changes = disk.changes() - before;
    stage.stop().await;
    // After a clean end each is there exactly once.
    let stage = on(&disk, &clock).await;
    let client = stage.client("b");
    clock.advance(30 * SECOND).await;
    until_all_came(&client, &confirmed.retried).await;
    for topic in ["orders", "%RETRY%g", "%DLQ%g"] {
        let there = everything(&client, topic).await.unwrap();
        let once = IDS.map(|id| (id.to_owned(), 1)).into();
        assert_eq!(counts(&there), once, "{topic}");
    }
    stage.stop().await;
    changes
}

/// How many messages came twice.
async fn a_cut(seed: u64, whole: u64) -> usize {
    let mut cuts_between = 0;
    let mut random = Random(seed);
    let (disk, clock) = (FaultyDisk::default(), Clock::manual(START));
    let stage = on(&disk, &clock).await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    disk.cut_power_after(random.below(whole));
    let mut confirmed = Confirmed::default();
    let _ended = scenario(&disk, &clock, &client, &mut confirmed).await;
    let after = disk.crash(|| random.below(2) == 0);
    stage.abandon().await;
    let saved = saved_progress(&after);

    let stage = on(&after, &clock).await;
    let client = stage.client("b");
    let delayed = everything(&client, DELAYED).await.unwrap_or_default();
    clock.advance(3 * SECOND).await;
    until_all_came(&client, &confirmed.retried).await;

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
    cuts_between
}

#[test]
fn wherever_the_power_goes_a_message_that_was_given_back_is_there_and_twice_only_where_progress_was_lost()
 {
    let whole = power::each_seed(1, async |_| whole().await)[0];

    let cuts = power::each_seed(CUTS, async |seed| a_cut(seed, whole).await);

    let cuts_between: usize = cuts.into_iter().sum();
    assert!(
        cuts_between > 0,
        "no cut fell between a delivery and its progress"
    );
}
