//! Killed under load and started again: the time until the broker is ready.

use anyhow::Result;

use crate::bench::{Bench, Flush};
use crate::load::{BACKLOG, Load};
use crate::results::Results;
use crate::sample::{Figure, Sample};
use crate::servers::start_mq;

pub(crate) const CASE: &str = "ready after kill -9";
/// The stores' sizes that the bars are about, in MB.
pub(crate) const SIZES_MB: [u64; 2] = [3_300, 8_000];
pub(crate) const SUBJECT: &str = "mq interval";

/// A record of 1 KiB with its properties, at least.
const RECORD: u64 = 1024 + 150;
/// Messages between two kills.
const MORE: u64 = 20_000;

pub(crate) fn load(megabytes: u64) -> String {
    format!("store of {megabytes} MB")
}

/// Fills a store of each size, then kills and starts it in every round.
pub(crate) async fn run(bench: &Bench, results: &mut Results) -> Result<()> {
    for megabytes in SIZES_MB {
        let mut directory = bench.scratch()?;
        let mut wanted = megabytes * 1_000_000 / RECORD;
        for round in 0..=bench.effort.rounds {
            let server = start_mq(bench, Flush::Interval, directory).await?;
            // The first start is that of an empty store.
            if round > 0 {
                let ready = server.ready_after.as_secs_f64() * 1e3;
                let sample = Sample::from([(Figure::ReadyMs, ready)]);
                results.add(CASE, &load(megabytes), SUBJECT, sample);
            }
            let senders = Load::start(BACKLOG, &server.namesrv, &bench.clock)?;
            senders.reach(wanted).await?;
            directory = server.crash().await?;
            senders.abandon().await?;
            wanted = MORE;
        }
    }
    Ok(())
}
