//! A push consumer of our client drains a backlog that is still in the page cache.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use mq_core::client::{
    Client, ClientConfig, ConcurrentListener, ConsumerConfig, Outcome, StartFrom,
};
use mq_core::message::{GroupName, MessageExt, TopicName};
use tokio::sync::Notify;

use crate::bench::{Bench, Flush};
use crate::cpu::Process;
use crate::load::{BACKLOG, TOPIC, fill};
use crate::results::Results;
use crate::rounds::in_turn;
use crate::sample::Sample;
use crate::servers::{Contender, Server};
use crate::window::Window;

pub(crate) const CASE: &str = "consume";

const DRAIN_LIMIT: Duration = Duration::from_mins(5);
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Counts what arrives.
#[derive(Clone, Debug, Default)]
struct Drain(Arc<Counted>);

#[derive(Debug, Default)]
struct Counted {
    count: AtomicU64,
    /// The backlog's size.
    wanted: u64,
    first: Notify,
    last: Notify,
}

impl ConcurrentListener for Drain {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        let new = batch.len() as u64;
        let before = self.0.count.fetch_add(new, Ordering::Relaxed);
        if before == 0 {
            self.0.first.notify_one();
        }
        if before + new >= self.0.wanted {
            self.0.last.notify_one();
        }
        vec![Outcome::Done; batch.len()]
    }
}

/// Fills and drains in every round.
pub(crate) async fn run(bench: &Bench, results: &mut Results) -> Result<()> {
    let contenders = [Contender::Mq(Flush::Interval)];
    let load = format!("{} × {} B, hot", bench.effort.backlog, BACKLOG.body);
    let once =
        async |_contender, server: &_| Ok(vec![(load.clone(), measure(bench, server).await?)]);
    in_turn(bench, bench.effort.rounds, &contenders, CASE, once, results).await
}

async fn measure(bench: &Bench, server: &Server) -> Result<Sample> {
    let clock = &bench.clock;
    let wanted = fill(server, bench.effort.backlog, clock).await?;
    let drain = Drain(Arc::new(Counted {
        wanted,
        ..Counted::default()
    }));
    let client = Client::new(ClientConfig::new([&server.namesrv]), clock.clone())?;
    let config = ConsumerConfig {
        start_from: StartFrom::FirstOffset,
        ..ConsumerConfig::new(GroupName::new("bench-drain")?)
    };
    let builder = client
        .push_consumer(config)
        .subscribe(TopicName::new(TOPIC)?, "*");
    let consumer = builder.start(drain.clone()).await?;
    let Counted {
        count, first, last, ..
    } = &*drain.0;
    let in_time = clock.timeout(DRAIN_LIMIT, first.notified()).await;
    in_time.context("nothing was consumed")?;
    let so_far = count.load(Ordering::Relaxed);
    let window = Window::begin(clock, so_far, server.broker, Process::own())?;
    let in_time = clock.timeout(DRAIN_LIMIT, last.notified()).await;
    in_time.with_context(|| format!("{count:?} of {wanted} messages were consumed"))?;
    let sample = window.end(clock, count.load(Ordering::Relaxed))?;
    consumer.shutdown(STOP_LIMIT).await?;
    client.shutdown(STOP_LIMIT).await?;
    Ok(sample)
}
