//! `MessageStore::append` in this process, one thread, interval flush: time and allocations of one
//! message, without a socket and without a protocol.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use futures_util::FutureExt;
use mq_core::clock::Clock;
use mq_core::message::record::RecordDraft;
use mq_core::message::{Message, SysFlag, TopicName, property};
use mq_core::store::disk::RealDisk;
use mq_core::store::{Append, Appended, Durability, Flush, MessageStore, StoreConfig};
use mq_core::tasks::Tasks;

use crate::bench::{Bench, Effort};
use crate::results::Results;
use crate::sample::{Figure, Sample};
use crate::touch;

pub(crate) const CASE: &str = "append";
/// Appends that are begun together, as those of one turn of a connection are: one, or as many as 64
/// Java threads have in flight.
pub(crate) const GROUPS: [usize; 2] = [1, 64];
pub(crate) const SUBJECT: &str = "MessageStore";

const BODY: usize = 1024;
const QUEUES: i32 = 4;
/// Messages that are appended in turn: their ids differ as those of real ones do.
const DRAFTS: usize = 1024;
/// Rounds of all messages whose allocations are counted.
const COUNTED: usize = 10;
/// About what the store takes of the page cache in the window, MiB.
const MEMORY_MIB: usize = 1_024;
const STOP_LIMIT: Duration = Duration::from_secs(10);

pub(crate) fn load(group: usize) -> String {
    format!("1 thread, {BODY} B, interval, {group} at a time")
}

/// Runs it in every round.
pub(crate) async fn run(bench: &Bench, results: &mut Results) -> Result<()> {
    for _round in 0..bench.effort.rounds {
        for group in GROUPS {
            results.add(CASE, &load(group), SUBJECT, once(bench, group).await?);
        }
    }
    Ok(())
}

async fn once(bench: &Bench, group: usize) -> Result<Sample> {
    let directory = bench.scratch()?;
    let config = StoreConfig {
        flush: Flush::INTERVAL,
        ..StoreConfig::new(directory.path().join("store"))
    };
    let (clock, effort) = (bench.clock.clone(), bench.effort);
    let (store, _report) = MessageStore::open(config, Arc::new(RealDisk), clock.clone())?;
    let tasks = Tasks::new(clock.clone());
    store.run(&tasks);
    // Not on a thread of the runtime, which has the store's own work to do.
    let appending = store.clone();
    let appending = tokio::task::spawn_blocking(move || measure(&appending, group, effort, &clock));
    let sample = appending.await.context("the appending thread")??;
    tasks.stop(STOP_LIMIT).await?;
    tokio::task::spawn_blocking(move || store.close()).await??;
    Ok(sample)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn measure(store: &MessageStore, group: usize, effort: Effort, clock: &Clock) -> Result<Sample> {
    let drafts = drafts(clock)?;
    let mut begun = Vec::with_capacity(group);
    let mut append_all = || -> Result<()> {
        for together in drafts.chunks(group) {
            let appends = together
                .iter()
                .map(|draft| store.append(draft, Durability::AsConfigured));
            begun.extend(appends);
            begun.drain(..).try_for_each(finish)?;
        }
        Ok(())
    };
    // Appends for so long; ns of each.
    let mut append_for = |time: Duration| -> Result<f64> {
        let begun = clock.moment();
        let mut count = 0;
        loop {
            append_all()?;
            count += drafts.len();
            let took = clock.moment().since(begun);
            if took >= time {
                return Ok(took.as_nanos() as f64 / count as f64);
            }
        }
    };
    append_for(effort.warm_up)?;
    if effort.touches {
        touch::before_load(MEMORY_MIB, clock);
    }
    let each = append_for(effort.window)?;
    let mut outcome = Ok(());
    let allocated = allocation_counter::measure(|| {
        outcome = (0..COUNTED).try_for_each(|_| append_all());
    });
    outcome?;
    let counted = (COUNTED * drafts.len()) as f64;
    Ok(Sample::from([
        (Figure::AppendNs, each),
        (Figure::PerSecond, 1e9 / each),
        (Figure::Allocations, allocated.count_total as f64 / counted),
    ]))
}

/// In interval mode an append is done when it has let others join it once.
fn finish(append: Append<Appended>) -> Result<()> {
    let mut append = pin!(append);
    let mut poll = || append.as_mut().now_or_never();
    let _appended = poll().or_else(poll).context("an append waited")??;
    Ok(())
}

/// Messages as our client sends them: with an id and the wish to be flushed.
fn drafts(clock: &Clock) -> Result<Vec<RecordDraft>> {
    let topic = TopicName::new("bench")?;
    let body = Bytes::from(vec![b'x'; BODY]);
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 10_911));
    let draft = |number: usize| {
        let mut message = Message::new(topic.clone(), body.clone());
        let id = format!("{number:032X}");
        message.properties.set(property::UNIQ_KEY, &id);
        message.properties.set(property::WAIT, "true");
        RecordDraft {
            message,
            queue_id: i32::try_from(number).unwrap_or_default() % QUEUES,
            sys_flag: SysFlag::default(),
            born_timestamp: clock.now_ms(),
            born_host: here,
            store_host: here,
            reconsume_times: 0,
            prepared_transaction_offset: 0,
        }
    };
    Ok((0..DRAFTS).map(draft).collect())
}
