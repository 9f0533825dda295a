//! A B A B: in every round each contender has its turn, so that what the machine does meanwhile
//! happens to all of them.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::bench::Bench;
use crate::results::Results;
use crate::sample::{Figure, Sample};
use crate::servers::{Contender, Server};

/// No run takes so long, unless something hangs.
const RUN_LIMIT: Duration = Duration::from_mins(10);

/// Runs `once` in every round against a fresh server of each contender; it gives a sample for each of
/// its loads.
pub(crate) async fn in_turn(
    bench: &Bench,
    rounds: usize,
    contenders: &[Contender],
    case: &str,
    once: impl AsyncFn(Contender, &Server) -> Result<Vec<(String, Sample)>>,
    results: &mut Results,
) -> Result<()> {
    for round in 1..=rounds {
        for contender in contenders {
            let run = Box::pin(async {
                let server = contender.start(bench).await?;
                let samples = once(*contender, &server).await?;
                server.stop().await?;
                anyhow::Ok(samples)
            });
            let what = || format!("{case}, {contender}, round {round}");
            let samples = bench.clock.timeout(RUN_LIMIT, run).await;
            let samples = samples.with_context(what)?.with_context(what)?;
            for (load, sample) in samples {
                let rate = sample.get(&Figure::PerSecond).copied().unwrap_or_default();
                tracing::info!("{}, {load}: {rate:.0} messages/s", what());
                results.add(case, &load, &contender.to_string(), sample);
            }
        }
    }
    Ok(())
}
