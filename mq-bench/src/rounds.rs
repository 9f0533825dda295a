//! A B A B: in every round each contender has its turn, so that what the machine does meanwhile
//! happens to all of them.

use anyhow::{Context, Result};

use crate::bench::Bench;
use crate::results::Results;
use crate::sample::Sample;
use crate::servers::{Contender, Server};

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
    for _round in 0..rounds {
        for contender in contenders {
            let server = contender.start(bench).await?;
            let samples = once(*contender, &server).await;
            let samples = samples.with_context(|| format!("{case}, {contender}"))?;
            server.stop().await?;
            for (load, sample) in samples {
                results.add(case, &load, &contender.to_string(), sample);
            }
        }
    }
    Ok(())
}
