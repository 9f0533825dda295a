//! Messages for a time of their own: how late they are stored in their topic. They are read only once all
//! are there, so that readers take no processor from what is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::future::join_all;
use mq_core::client::{ConcurrentListener, ConsumerConfig, Outcome, Producer, StartFrom};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, Later, Message, MessageExt, TopicName, property};
use parking_lot::Mutex;

use crate::bench::{Bench, Flush};
use crate::latencies::Latencies;
use crate::load::{STOP_LIMIT, connect};
use crate::results::Results;
use crate::rounds::in_turn;
use crate::sample::{Figure, Sample};
use crate::servers::{Contender, Server};

pub(crate) const CASE: &str = "later";

const TOPIC: &str = "bench-later";
const BODY: usize = 128;
const CONNECTIONS: u32 = 4;
/// Senders on each connection.
const DEPTH: u32 = 32;
/// For all messages to be delivered and read.
const PATIENCE: Duration = Duration::from_mins(2);

/// When messages are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// So many a second, each two seconds after it is sent.
    Steadily(u32),
    /// So many, all within one second.
    AtOnce(u32),
}

pub(crate) const STEADILY: When = When::Steadily(10_000);
pub(crate) const AT_ONCE: When = When::AtOnce(1_000_000);

/// How long messages are sent steadily, and when each is due then.
const STEADY_SECONDS: u32 = 10;
const STEADY_DELAY: Duration = Duration::from_secs(2);
/// A second that is surely still ahead when the last message for it was sent.
const AHEAD_MS: i64 = 60_000;
/// About what the server takes of the page cache while it delivers, MiB.
const MEMORY_MIB: usize = 768;

impl When {
    pub(crate) fn text(self) -> String {
        match self {
            Self::Steadily(rate) => format!("{rate} messages/s, {BODY} B"),
            Self::AtOnce(count) => format!("{count} due in one second, {BODY} B"),
        }
    }

    fn count(self) -> u32 {
        match self {
            Self::Steadily(rate) => rate * STEADY_SECONDS,
            Self::AtOnce(count) => count,
        }
    }
}

/// Runs both against `mq` in both modes.
pub(crate) async fn run(bench: &Bench, results: &mut Results) -> Result<()> {
    let contenders = [Contender::Mq(Flush::Interval), Contender::Mq(Flush::Sync)];
    for when in [STEADILY, AT_ONCE] {
        let once = async |_contender, server: &_| {
            Ok(vec![(when.text(), measure(bench, when, server).await?)])
        };
        in_turn(bench, bench.effort.rounds, &contenders, CASE, once, results).await?;
    }
    Ok(())
}

async fn measure(bench: &Bench, when: When, server: &Server) -> Result<Sample> {
    let clock = &bench.clock;
    if let When::Steadily(_) = when {
        bench.touch(MEMORY_MIB).await?;
    }
    let last_due_ms = send_all(when, server, clock).await?;
    if let When::AtOnce(_) = when {
        bench.touch(MEMORY_MIB).await?;
    }
    let left = u64::try_from(last_due_ms - clock.now_ms()).unwrap_or(0);
    // What comes later than this is read too, only with the reader beside it.
    clock
        .sleep(Duration::from_millis(left) + Duration::from_secs(4))
        .await;
    let (latencies, rate) = read_all(when.count(), server, clock).await?;
    let mut sample = Sample::from([(Figure::PerSecond, rate)]);
    latencies.tell(&mut sample);
    Ok(sample)
}

/// Sends all messages; gives the latest time at which one is due.
async fn send_all(when: When, server: &Server, clock: &Clock) -> Result<i64> {
    let mut clients = Vec::new();
    let mut senders = Vec::new();
    let begun_ms = clock.now_ms();
    let begun = clock.moment();
    for connection in 0..CONNECTIONS {
        let (client, producer) = connect(&server.namesrv, &format!("later-{connection}"), clock)?;
        clients.push(client);
        for nth in 0..DEPTH {
            let number = connection * DEPTH + nth;
            let producer = producer.clone();
            senders.push(async move {
                let mut last_due_ms = 0;
                for index in (number..when.count()).step_by((CONNECTIONS * DEPTH) as usize) {
                    let later = match when {
                        When::Steadily(rate) => {
                            let at = Duration::from_secs(1) * index / rate;
                            clock.sleep_until(begun.plus(at)).await;
                            let delay = i64::try_from(STEADY_DELAY.as_millis())?;
                            clock.now_ms() + delay
                        }
                        When::AtOnce(_) => begun_ms + AHEAD_MS + i64::from(index % 1_000),
                    };
                    send(&producer, later).await?;
                    last_due_ms = last_due_ms.max(later);
                }
                anyhow::Ok(last_due_ms)
            });
        }
    }
    let mut latest = 0;
    for sent in join_all(senders).await {
        latest = latest.max(sent?);
    }
    for client in &clients {
        client.shutdown(STOP_LIMIT).await?;
    }
    if matches!(when, When::AtOnce(_)) && clock.now_ms() >= begun_ms + AHEAD_MS {
        bail!(
            "sending took longer than {AHEAD_MS} ms: the first were due before the last were sent"
        );
    }
    Ok(latest)
}

async fn send(producer: &Producer, due_ms: i64) -> Result<()> {
    let mut message = Message::new(TopicName::new(TOPIC)?, vec![b'x'; BODY]);
    message.deliver(Later::At(due_ms));
    let _sent = producer.send(message).await?;
    Ok(())
}

/// Notes how late each message was stored.
#[derive(Clone)]
struct Lateness(Arc<Noted>);

struct Noted {
    latencies: Mutex<Latencies>,
    count: AtomicU64,
    early: AtomicU64,
    first_due_ms: AtomicI64,
    last_stored_ms: AtomicI64,
}

impl Noted {
    /// Messages a second from the time of the first until the last was stored.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts and times are far below 2^52"
    )]
    fn rate(&self, count: u32) -> f64 {
        let [begun, ended] = [&self.first_due_ms, &self.last_stored_ms];
        let ms = ended.load(Ordering::Relaxed) - begun.load(Ordering::Relaxed);
        f64::from(count) * 1e3 / ms as f64
    }
}

impl ConcurrentListener for Lateness {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        for message in &batch {
            let due_ms = message.message.properties.get(property::TIMER_OUT_MS);
            let due_ms: i64 = due_ms
                .and_then(|text| text.parse().ok())
                .unwrap_or(i64::MAX);
            self.0.first_due_ms.fetch_min(due_ms, Ordering::Relaxed);
            let stored_ms = message.store_timestamp;
            self.0
                .last_stored_ms
                .fetch_max(stored_ms, Ordering::Relaxed);
            match u64::try_from(stored_ms - due_ms) {
                Ok(late) => self.0.latencies.lock().record(Duration::from_millis(late)),
                Err(_) => drop(self.0.early.fetch_add(1, Ordering::Relaxed)),
            }
        }
        self.0
            .count
            .fetch_add(batch.len() as u64, Ordering::Relaxed);
        batch.iter().map(|_| Outcome::Done).collect()
    }
}

async fn read_all(count: u32, server: &Server, clock: &Clock) -> Result<(Latencies, f64)> {
    let (client, _producer) = connect(&server.namesrv, "later-reader", clock)?;
    let mut config = ConsumerConfig::new(GroupName::new("bench-later")?);
    config.start_from = StartFrom::FirstOffset;
    let lateness = Lateness(Arc::new(Noted {
        latencies: Mutex::new(Latencies::new()),
        count: AtomicU64::new(0),
        early: AtomicU64::new(0),
        first_due_ms: AtomicI64::new(i64::MAX),
        last_stored_ms: AtomicI64::new(0),
    }));
    let consumer = client.push_consumer(config);
    let consumer = consumer.subscribe(TopicName::new(TOPIC)?, "*");
    let consumer = consumer.start(lateness.clone()).await?;
    let begun = clock.moment();
    let noted = &lateness.0;
    while noted.count.load(Ordering::Relaxed) < u64::from(count) {
        if clock.moment().since(begun) > PATIENCE {
            let came = noted.count.load(Ordering::Relaxed);
            bail!("{came} of {count} messages came within {PATIENCE:?}");
        }
        clock.sleep(Duration::from_millis(20)).await;
    }
    consumer.shutdown(STOP_LIMIT).await.context("the reader")?;
    client.shutdown(STOP_LIMIT).await?;
    let early = noted.early.load(Ordering::Relaxed);
    if early > 0 {
        bail!("{early} messages were stored before they were due");
    }
    let latencies = noted.latencies.lock().clone();
    Ok((latencies, noted.rate(count)))
}
