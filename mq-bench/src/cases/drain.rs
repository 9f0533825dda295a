//! A consumer of our client that drains a backlog: how fast, from the first message that it gets to the
//! last.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use mq_core::client::{
    Client, ClientConfig, ConcurrentListener, ConsumerConfig, LitePullConfig, Outcome, StartFrom,
};
use mq_core::message::subscription::SelectorType;
use mq_core::message::{GroupName, MessageExt, TopicName};
use tokio::sync::Notify;

use crate::bench::Bench;
use crate::cpu::Process;
use crate::sample::Sample;
use crate::servers::Server;
use crate::window::Window;

const DRAIN_LIMIT: Duration = Duration::from_mins(5);
const STOP_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(100);

/// How the messages are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Push,
    LitePull,
}

/// What is drained, and what of it comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backlog {
    pub(super) topic: &'static str,
    pub(super) filter: (SelectorType, &'static str),
    /// How many messages come.
    pub(super) wanted: u64,
    /// How many messages of the backlog one that comes stands for.
    pub(super) each: u64,
}

/// Messages that have come.
#[derive(Clone, Debug)]
struct Arrivals(Arc<Counted>);

#[derive(Debug)]
struct Counted {
    count: AtomicU64,
    wanted: u64,
    first: Notify,
    last: Notify,
}

impl Arrivals {
    fn of(wanted: u64) -> Self {
        Self(Arc::new(Counted {
            count: AtomicU64::new(0),
            wanted,
            first: Notify::new(),
            last: Notify::new(),
        }))
    }

    fn add(&self, new: usize) {
        let new = new as u64;
        let before = self.0.count.fetch_add(new, Ordering::Relaxed);
        if before == 0 && new > 0 {
            self.0.first.notify_one();
        }
        if before + new >= self.0.wanted {
            self.0.last.notify_one();
        }
    }

    fn count(&self) -> u64 {
        self.0.count.load(Ordering::Relaxed)
    }

    /// Measures until the last has come, in messages of the backlog.
    async fn measure(&self, bench: &Bench, server: &Server, each: u64) -> Result<Sample> {
        let clock = &bench.clock;
        let Counted { first, last, .. } = &*self.0;
        let in_time = clock.timeout(DRAIN_LIMIT, first.notified()).await;
        in_time.context("nothing was consumed")?;
        let so_far = self.count() * each;
        let window = Window::begin(clock, so_far, server.broker, Process::own())?;
        let in_time = clock.timeout(DRAIN_LIMIT, last.notified()).await;
        let what = || format!("{} of {} messages came", self.count(), self.0.wanted);
        in_time.with_context(what)?;
        window.end(clock, self.count() * each)
    }
}

impl ConcurrentListener for Arrivals {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        self.add(batch.len());
        vec![Outcome::Done; batch.len()]
    }
}

/// Drains a backlog once.
pub(super) async fn measure(
    bench: &Bench,
    server: &Server,
    way: Way,
    backlog: Backlog,
) -> Result<Sample> {
    let client = Client::new(ClientConfig::new([&server.namesrv]), bench.clock.clone())?;
    let sample = match way {
        Way::Push => push(bench, server, &client, backlog).await?,
        Way::LitePull => lite_pull(bench, server, &client, backlog).await?,
    };
    client.shutdown(STOP_LIMIT).await?;
    Ok(sample)
}

/// The group; each filter and each way has one of its own, which begins with the first message.
fn group(way: Way, backlog: Backlog) -> Result<GroupName> {
    let (selector, _) = backlog.filter;
    Ok(GroupName::new(format!(
        "drain-{way:?}-{}",
        selector.as_str()
    ))?)
}

async fn push(bench: &Bench, server: &Server, client: &Client, backlog: Backlog) -> Result<Sample> {
    let arrivals = Arrivals::of(backlog.wanted);
    let config = ConsumerConfig {
        start_from: StartFrom::FirstOffset,
        ..ConsumerConfig::new(group(Way::Push, backlog)?)
    };
    let (selector, expression) = backlog.filter;
    let topic = TopicName::new(backlog.topic)?;
    let builder = client.push_consumer(config);
    let builder = builder.subscribe_by(topic, selector, expression);
    let consumer = builder.start(arrivals.clone()).await?;
    let sample = arrivals.measure(bench, server, backlog.each).await?;
    consumer.shutdown(STOP_LIMIT).await?;
    Ok(sample)
}

async fn lite_pull(
    bench: &Bench,
    server: &Server,
    client: &Client,
    backlog: Backlog,
) -> Result<Sample> {
    let arrivals = Arrivals::of(backlog.wanted);
    let config = LitePullConfig {
        start_from: StartFrom::FirstOffset,
        ..LitePullConfig::new(group(Way::LitePull, backlog)?)
    };
    let (selector, expression) = backlog.filter;
    let topic = TopicName::new(backlog.topic)?;
    let builder = client.lite_pull_consumer(config);
    let consumer = builder.subscribe_by(topic, selector, expression);
    let consumer = consumer.start().await?;
    let polling = async {
        loop {
            arrivals.add(consumer.poll(POLL).await?.len());
        }
    };
    let sample = tokio::select! {
        sample = arrivals.measure(bench, server, backlog.each) => sample?,
        ended = polling => return ended,
    };
    consumer.shutdown(STOP_LIMIT).await?;
    Ok(sample)
}
