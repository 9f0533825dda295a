//! The power goes at any step of messages that wait for their time: while they are sent, delivered,
//! called back, held for a topic or stored again. None is lost, none comes early, none comes that was
//! called back, and twice comes only what the saved progress did not have.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mq_core::clock::Clock;
use mq_core::message::MessageExt;
use mq_core::message::record::decode_all;
use mq_core::store::disk::{FaultyDisk, SmallFiles};
use mq_core::wire::ResponseCode;
use mq_core::wire::header::{RecallMessage, SendMessageReply};
use serde::Deserialize;

use crate::power::{self, Random};
use crate::stage::{Client, SECOND, Stage, message, pull, with};

const START: i64 = 1_800_000_000_000;
const SEEDS: u64 = 1_000;
const STEPS: u64 = 60;
const TIMERS: &str = "rmq_sys_wheel_timer";
const TARGETS: [&str; 2] = ["orders", "held"];

/// What is known of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// It was being sent when the power went.
    PerhapsSent,
    Sent,
    /// It was being called back when the power went.
    PerhapsRecalled,
    Recalled,
}

#[derive(Debug)]
struct Sent {
    topic: &'static str,
    due_ms: i64,
    handle: Option<bytestring::ByteString>,
    known: Known,
}

/// By unique key, which is also the body.
type AllSent = BTreeMap<String, Sent>;

/// What stands in `timerProgress.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Saved {
    delivered_until: i64,
    end: u64,
    least: u64,
    waiting: BTreeSet<u64>,
}

impl Saved {
    fn of(disk: &FaultyDisk) -> Self {
        let read = |name: &str| disk.read(name.as_ref()).unwrap();
        let text = read("/store/config/timerProgress.json");
        let text = text.or_else(|| read("/store/config/timerProgress.json.bak"));
        text.map(|text| serde_json::from_slice(&text).unwrap())
            .unwrap_or_default()
    }

    fn is_pending(&self, offset: u64, due_ms: i64) -> bool {
        offset >= self.end
            || (offset >= self.least && due_ms > self.delivered_until)
            || self.waiting.contains(&offset)
    }
}

async fn stage_on(disk: &FaultyDisk, clock: &Clock) -> Stage {
    let config = Stage::config(|config| {
        config.storage.retention.reserved = 5 * SECOND;
        config.storage.retention.hours = (0..24).collect();
    });
    power::stage_on(disk, config, clock).await
}

/// What one run does until the power goes.
struct Run {
    disk: FaultyDisk,
    clock: Clock,
    stage: Stage,
    client: Client,
    random: Random,
    all: AllSent,
    delivered: Delivered,
    is_protected: bool,
}

impl Run {
    async fn new(seed: u64) -> Self {
        let (disk, clock) = (FaultyDisk::default(), Clock::manual(START));
        let stage = stage_on(&disk, &clock).await;
        let client = stage.client("a");
        for topic in TARGETS {
            client.send(message(topic, 0), "the topic").await;
        }
        Self {
            disk,
            clock,
            stage,
            client,
            random: Random(seed),
            all: AllSent::new(),
            delivered: Delivered::default(),
            is_protected: false,
        }
    }

    /// `None` when the power went.
    async fn step(&mut self) -> Option<()> {
        match self.random.below(16) {
            0..=5 => self.send().await,
            6 | 7 => self.recall().await,
            8..=11 => {
                let by = Duration::from_millis(self.random.below(4_000));
                advance(&self.clock, by).await;
                self.delivered.look(&self.client).await;
                Some(())
            }
            12 | 13 => self.fill().await,
            14 => self.protect().await,
            _ => Some(()),
        }
    }

    async fn send(&mut self) -> Option<()> {
        let id = format!("message-{}", self.all.len());
        let topic = match self.random.below(4) {
            0 => "held",
            _ => "orders",
        };
        let ahead_ms = 1 + self.random.below(12_000).cast_signed();
        let due_ms = self.clock.now_ms() + ahead_ms;
        let sent = Sent {
            topic,
            due_ms,
            handle: None,
            known: Known::PerhapsSent,
        };
        let due = due_ms.to_string();
        let wish = [("UNIQ_KEY", &*id), ("TIMER_DELIVER_MS", &due)];
        let header = with(message(topic, 0), &wish);
        self.all.insert(id.clone(), sent);
        let reply = self.client.call_with(header, id.clone()).await;
        let SendMessageReply { recall_handle, .. } = reply.ok()?.header;
        let sent = self.all.get_mut(&id).unwrap();
        sent.handle = recall_handle;
        sent.known = Known::Sent;
        Some(())
    }

    async fn recall(&mut self) -> Option<()> {
        let now_ms = self.clock.now_ms();
        let open = self.all.values_mut();
        let open = open.filter(|sent| sent.known == Known::Sent && sent.due_ms > now_ms);
        let mut open: Vec<_> = open.collect();
        let Some(which) = self.random.below(1_000).checked_rem(open.len() as u64) else {
            return Some(());
        };
        let sent = open.swap_remove(usize::try_from(which).unwrap());
        sent.known = Known::PerhapsRecalled;
        let recall = RecallMessage {
            topic: sent.topic.into(),
            recall_handle: sent.handle.clone().unwrap(),
            ..RecallMessage::default()
        };
        self.client.call(recall).await.ok()?;
        sent.known = Known::Recalled;
        Some(())
    }

    /// Brings the end of a segment nearer.
    async fn fill(&self) -> Option<()> {
        let filler = self.client.call_with(message("filler", 0), vec![7; 30_000]);
        filler.await.ok().map(drop)
    }

    async fn protect(&mut self) -> Option<()> {
        let permission = if self.is_protected { 6 } else { 4 };
        let changed = self.client.call(Stage::permits("held", permission)).await;
        self.is_protected = !self.is_protected;
        changed.ok().map(drop)
    }
}

/// Moves the clock on, and gives the threads that write files a chance to do so.
async fn advance(clock: &Clock, by: Duration) {
    const STEP: Duration = SECOND;
    let mut left = by;
    while !left.is_zero() {
        let step = left.min(STEP);
        left -= step;
        clock.advance(step).await;
        Clock::system().sleep(Duration::from_micros(100)).await;
    }
}

/// All that was delivered and seen: body and store time, by topic and queue offset. Retention may have
/// removed it since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Delivered(BTreeMap<(&'static str, u64), (String, i64)>);

impl Delivered {
    /// What has come since the last look.
    async fn look(&mut self, client: &Client) {
        for topic in TARGETS {
            let known = self.0.range((topic, 0)..=(topic, u64::MAX));
            let next = known.last().map_or(0, |((_, offset), _)| offset + 1);
            self.look_from(client, topic, next).await;
        }
    }

    /// Everything that is there, also what was seen before.
    async fn look_at_all(&mut self, client: &Client) {
        for topic in TARGETS {
            self.look_from(client, topic, 0).await;
        }
    }

    async fn look_from(&mut self, client: &Client, topic: &'static str, next: u64) {
        let messages = behind(client, topic, next).await;
        for message in messages.unwrap_or_default() {
            let at = (topic, message.queue_offset.0);
            self.0.insert(at, (body(&message), message.store_timestamp));
        }
    }

    fn times(&self, id: &str) -> Vec<i64> {
        let all = self.0.values();
        all.filter_map(|(body, time)| (body == id).then_some(*time))
            .collect()
    }
}

fn body(message: &MessageExt) -> String {
    String::from_utf8_lossy(&message.message.body).into_owned()
}

/// How often each message waits, as the saved progress says, and how many of these were stored again.
async fn pending(client: &Client, saved: &Saved) -> (BTreeMap<String, usize>, usize) {
    let (mut pending, mut copies) = (BTreeMap::new(), 0);
    for message in behind(client, TIMERS, 0).await.unwrap() {
        let properties = &message.message.properties;
        let due_ms: i64 = properties.get("TIMER_OUT_MS").unwrap().parse().unwrap();
        let waits = saved.is_pending(message.queue_offset.0, due_ms);
        if waits && properties.get("TIMER_DEL_UNIQKEY").is_none() {
            *pending.entry(body(&message)).or_default() += 1;
            copies += usize::from(properties.get("TIMER_ROLL_TIMES").is_some());
        }
    }
    (pending, copies)
}

/// Everything in the first queue of a topic from the queue offset `next` on; `None` without power.
async fn behind(client: &Client, topic: &'static str, next: u64) -> Option<Vec<MessageExt>> {
    let mut next = next.cast_signed();
    let mut messages = Vec::new();
    loop {
        let reply = client.call(pull(topic, 0, next)).await.ok()?;
        let moved = reply.header.next_begin_offset > next;
        next = reply.header.next_begin_offset;
        match reply.code {
            ResponseCode::SUCCESS => messages.extend(decode_all(reply.body).unwrap()),
            // Retention has removed what lay there.
            ResponseCode::PULL_OFFSET_MOVED if moved => {}
            _ => return Some(messages),
        }
    }
}

/// How often a message has to be there in the end.
fn expected(sent: &Sent, predicted: usize) -> std::ops::RangeInclusive<usize> {
    match sent.known {
        Known::Recalled => 0..=0,
        Known::PerhapsRecalled => 0..=predicted,
        Known::PerhapsSent => predicted..=predicted,
        Known::Sent => predicted.max(1)..=predicted,
    }
}

/// How often something came twice, and how many were stored again before the cut.
async fn a_cut(seed: u64) -> (usize, usize) {
    let mut twice = 0;
    let mut run = Run::new(seed).await;
    let cut = run.random.below(500);
    run.disk.cut_power_after(cut);
    for _ in 0..STEPS {
        if run.step().await.is_none() {
            break;
        }
    }
    let now_ms = run.clock.now_ms();
    let mut random = run.random;
    let after = run.disk.crash(|| random.below(2) == 0);
    run.stage.abandon().await;
    let saved = Saved::of(&after);

    // Nothing is due until the wall clock is set.
    let clock = Clock::manual(START - 3_600_000);
    let mut stage = stage_on(&after, &clock).await;
    let mut client = stage.client("b");
    let mut delivered = run.delivered;
    delivered.look_at_all(&client).await;
    let before = delivered.clone();
    let (pending, copies) = pending(&client, &saved).await;
    clock.set_wall(now_ms);
    client.call(Stage::permits("held", 6)).await.unwrap();
    let predicted = |id: &str| before.times(id).len() + pending.get(id).unwrap_or(&0);
    for second in 0..40 {
        if second == 2 {
            // An end in order while some wait repeats nothing.
            stage.stop().await;
            drop(stage);
            stage = stage_on(&after, &clock).await;
            client = stage.client("c");
        }
        advance(&clock, SECOND).await;
        delivered.look(&client).await;
        let came = |(id, sent): (&String, &Sent)| {
            delivered.times(id).len() >= *expected(sent, predicted(id)).start()
        };
        if now_ms + 13_000 < clock.now_ms() && run.all.iter().all(came) {
            break;
        }
    }

    for (id, sent) in &run.all {
        let came = delivered.times(id);
        let range = expected(sent, predicted(id));
        let story = (id, sent, predicted(id), &came, &saved, cut);
        assert!(range.contains(&came.len()), "seed {seed}: {story:?}");
        assert!(
            came.iter().all(|came| *came >= sent.due_ms),
            "seed {seed}: early: {story:?}"
        );
        twice += usize::from(came.len() > 1);
    }

    // After an end in order everything is as it was.
    stage.stop().await;
    drop(stage);
    let stage = stage_on(&after, &clock).await;
    let client = stage.client("d");
    let there = delivered.clone();
    for _ in 0..3 {
        clock.advance(4 * SECOND).await;
        delivered.look_at_all(&client).await;
    }
    assert_eq!(delivered, there, "seed {seed}");
    stage.stop().await;
    (twice, copies)
}

#[test]
fn a_cut_at_any_step_loses_nothing_and_brings_nothing_early_or_back() {
    let cuts = power::each_seed(SEEDS, a_cut);

    let (twice, copies) = cuts
        .into_iter()
        .fold((0, 0), |sum, cut| (sum.0 + cut.0, sum.1 + cut.1));
    assert!(twice > 0, "no cut fell between a delivery and its progress");
    assert!(copies > 0, "nothing was stored again before a cut");
}
