//! From a template to a handler with the attribute: latency from the time at which a message was to
//! be sent. A sender that is late makes the latency longer, not the rate lower (open loop).

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use mq_core::clock::{Clock, Moment};
use mq_starter::config::SettingsOptions;
use mq_starter::prelude::*;
use mq_starter::{Application, listeners};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::bench::{Bench, Flush};
use crate::cpu::Process;
use crate::latencies::Latencies;
use crate::results::Results;
use crate::rounds::in_turn;
use crate::sample::Sample;
use crate::servers::{Contender, Server};
use crate::window::Window;

pub(crate) const CASE: &str = "end to end";

const TOPIC: &str = "bench-end-to-end";
const BODY: usize = 1024;
/// How long the last messages are waited for.
const ARRIVAL_LIMIT: Duration = Duration::from_secs(30);

/// How the messages are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// The next one when the handler has the one before.
    OneByOne,
    /// So many a second, whatever becomes of them.
    Rate(NonZeroU32),
}

impl Pace {
    fn text(self) -> String {
        match self {
            Self::OneByOne => "one sender".to_owned(),
            Self::Rate(rate) => format!("{rate} messages/s"),
        }
    }
}

/// What the handler notes.
#[derive(Clone)]
struct Arrivals(Arc<Noted>);

struct Noted {
    clock: Clock,
    latencies: Mutex<Latencies>,
    count: AtomicU64,
    arrived: Notify,
}

impl Arrivals {
    fn new(clock: Clock) -> Self {
        Self(Arc::new(Noted {
            clock,
            latencies: Mutex::new(Latencies::new()),
            count: AtomicU64::new(0),
            arrived: Notify::new(),
        }))
    }

    /// A body that says when it was to be sent.
    fn body(intended: Moment) -> Bytes {
        let mut body = vec![0; BODY];
        let ns = intended.since(Moment::default()).as_nanos();
        let ns = u64::try_from(ns).unwrap_or(u64::MAX);
        if let Some(front) = body.first_chunk_mut() {
            *front = ns.to_be_bytes();
        }
        body.into()
    }

    fn note(&self, body: &[u8]) {
        let now = self.0.clock.moment().since(Moment::default());
        let intended = body.first_chunk().map_or(0, |ns| u64::from_be_bytes(*ns));
        let latency = now.saturating_sub(Duration::from_nanos(intended));
        self.0.latencies.lock().record(latency);
        self.0.count.fetch_add(1, Ordering::Release);
        self.0.arrived.notify_one();
    }

    fn count(&self) -> u64 {
        self.0.count.load(Ordering::Acquire)
    }

    /// Waits until `count` messages have arrived.
    async fn reach(&self, count: u64) -> Result<()> {
        let reached = async {
            while self.count() < count {
                self.0.arrived.notified().await;
            }
        };
        let waited = self.0.clock.timeout(ARRIVAL_LIMIT, reached).await;
        waited.with_context(|| format!("{} of {count} messages arrived", self.count()))
    }
}

#[rocketmq_message_listener(topic = "bench-end-to-end", consumer_group = "bench-end-to-end")]
async fn arrive(body: Bytes, State(arrivals): State<Arrivals>) -> ConsumeResult {
    arrivals.note(&body);
    Ok(())
}

/// Runs every pace against `mq` in both modes.
pub(crate) async fn run(bench: &Bench, results: &mut Results) -> Result<()> {
    let contenders = [Contender::Mq(Flush::Interval), Contender::Mq(Flush::Sync)];
    let rates = [1_000, 10_000].into_iter().filter_map(NonZeroU32::new);
    for pace in std::iter::once(Pace::OneByOne).chain(rates.map(Pace::Rate)) {
        let once = async |_contender, server: &_| {
            Ok(vec![(pace.text(), measure(bench, pace, server).await?)])
        };
        in_turn(bench, bench.effort.rounds, &contenders, CASE, once, results).await?;
    }
    Ok(())
}

async fn measure(bench: &Bench, pace: Pace, server: &Server) -> Result<Sample> {
    let clock = &bench.clock;
    let arrivals = Arrivals::new(clock.clone());
    let settings = SettingsOptions::default()
        .set("rocketmq.name-server", server.namesrv.clone())
        .set(format!("rocketmq.topics.{TOPIC}.queues"), "4");
    let app = RocketMQApplication::new()
        .settings(settings)
        .provide(arrivals.clone())
        .listeners(listeners![crate])
        .build()
        .await?;
    app.start().await?;
    // A consumer that is new pulls only after its first rebalance.
    let mut sent = send(&app, &arrivals, Pace::OneByOne, bench.effort.warm_up).await?;
    sent += send(&app, &arrivals, pace, bench.effort.warm_up).await?;
    arrivals.reach(sent).await?;
    arrivals.0.latencies.lock().clear();
    let window = Window::begin(clock, arrivals.count(), server.broker, Process::own())?;
    sent += send(&app, &arrivals, pace, bench.effort.window).await?;
    arrivals.reach(sent).await?;
    let mut sample = window.end(clock, arrivals.count())?;
    arrivals.0.latencies.lock().tell(&mut sample);
    app.shutdown().await?;
    Ok(sample)
}

/// Sends for so long; gives how many.
async fn send(app: &Application, arrivals: &Arrivals, pace: Pace, time: Duration) -> Result<u64> {
    match pace {
        Pace::OneByOne => one_by_one(app, arrivals, time).await,
        Pace::Rate(rate) => {
            let (template, clock) = (app.template().clone(), arrivals.0.clock.clone());
            let sending =
                tokio::task::spawn_blocking(move || at_rate(&template, rate, time, &clock));
            sending.await.context("the sending thread")
        }
    }
}

async fn one_by_one(app: &Application, arrivals: &Arrivals, time: Duration) -> Result<u64> {
    let clock = &arrivals.0.clock;
    let (begun, before) = (clock.moment(), arrivals.count());
    let mut sent = 0;
    while clock.moment().since(begun) < time {
        let body = Arrivals::body(clock.moment());
        drop(app.template().message(TOPIC).body(body).send().await?);
        sent += 1;
        arrivals.reach(before + sent).await?;
    }
    Ok(sent)
}

/// On a thread that sleeps by itself, because the runtime's timers have a millisecond at best.
fn at_rate(template: &RocketMQTemplate, rate: NonZeroU32, time: Duration, clock: &Clock) -> u64 {
    wake_on_time();
    let interval = Duration::from_secs(1) / rate.get();
    let begun = clock.moment();
    let mut due = Duration::ZERO;
    let mut sent = 0;
    while due < time {
        let late = clock.moment().since(begun);
        if let Some(early) = due.checked_sub(late) {
            std::thread::sleep(early);
        }
        let body = Arrivals::body(begun.plus(due));
        // Whoever counts the arrivals notices a send that failed.
        drop(template.message(TOPIC).body(body).spawn());
        sent += 1;
        due += interval;
    }
    sent
}

/// Linux wakes a thread up to 50 µs late on purpose, to wake several at once.
#[cfg(target_os = "linux")]
fn wake_on_time() {
    if let Err(error) = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1)) {
        tracing::warn!(%error, "messages are sent up to 50 µs late");
    }
}

#[cfg(not(target_os = "linux"))]
fn wake_on_time() {}
