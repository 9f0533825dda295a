//! A run: memory is touched, the cases follow each other, what they found is printed and kept.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;
use mq_core::clock::Clock;
use tokio::process::Command;

use crate::bench::{Bench, Effort};
use crate::cases;
use crate::cli::{CaseName, RunArgs};
use crate::cpu::MachineTime;
use crate::java::Java;
use crate::machine::{Machine, available_memory};
use crate::report;
use crate::results::Results;
use crate::touch::FirstTouch;

pub(crate) async fn run(args: &RunArgs, clock: Clock) -> Result<()> {
    let all = CaseName::value_variants().iter().copied();
    let cases: Vec<_> = all.filter(|case| args.wants(*case)).collect();
    if let Some(path) = &args.json {
        make_writable(path)?;
    }
    let mut bench = Bench::new(
        args.mq.clone(),
        args.directory.clone(),
        effort(args),
        clock.clone(),
    )?;
    if args.peers || cases.iter().any(|case| case.needs_java()) {
        bench.java = Some(Java::fetch().await?);
    }
    let mut results = Results::new(Machine::this(), std::env::args().skip(1).collect());
    results.revision = revision().await;
    let begun = MachineTime::now();
    let bytes = touched(args);
    if bytes > 0 {
        results.first_touch = Some(FirstTouch::measure(bytes, &clock));
    }
    for case in cases {
        tracing::info!("{case:?}");
        one(case, &bench, &mut results).await?;
    }
    results.foreign_cpu = MachineTime::now().foreign_since(begun);
    // Before the file is written: a full disk must not take the report of an hour as well.
    write!(std::io::stdout(), "{}", report::text(&results))?;
    if let Some(path) = &args.json {
        let json = serde_json::to_vec_pretty(&results)?;
        let written = File::create(path).and_then(|mut file| file.write_all(&json));
        written.with_context(|| format!("could not write `{}`", path.display()))?;
    }
    Ok(())
}

/// Makes the directory of the file for the figures, and opens the file, so that a path that cannot be
/// written ends the run before it begins. What the file has stays until there are new figures.
fn make_writable(path: &Path) -> Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)
            .with_context(|| format!("could not create `{}`", directory.display()))?;
    }
    let opened = File::options().append(true).create(true).open(path);
    opened.with_context(|| format!("could not open `{}` for writing", path.display()))?;
    Ok(())
}

async fn one(case: CaseName, bench: &Bench, results: &mut Results) -> Result<()> {
    match case {
        CaseName::Append => cases::append::run(bench, results).await,
        CaseName::GroupCommit => cases::group_commit::run(bench, results),
        CaseName::Native => cases::native::run(bench, results).await,
        CaseName::EndToEnd => cases::end_to_end::run(bench, results).await,
        CaseName::Consume => cases::consume::run(bench, results).await,
        CaseName::Filtered => cases::filtered::run(bench, results).await,
        CaseName::Calls => cases::calls::run(bench, results).await,
        CaseName::Later => cases::later::run(bench, results).await,
        CaseName::Transactions => cases::transactions::run(bench, results).await,
        CaseName::Requests => cases::requests::run(bench, results).await,
        CaseName::Restart => cases::restart::run(bench, results).await,
        CaseName::JavaSends => cases::java::sends(bench, results).await,
        CaseName::JavaConsume => cases::java::consume(bench, results).await,
        CaseName::JavaEndToEnd => cases::java::end_to_end(bench, results).await,
        CaseName::JavaCalls => cases::java::calls(bench, results).await,
        CaseName::JavaTransactions => cases::transactions::java(bench, results).await,
        CaseName::JavaRequests => cases::requests::java(bench, results).await,
    }
}

fn effort(args: &RunArgs) -> Effort {
    let (rounds, seconds, backlog) = if args.quick {
        (3, 1.5, 300_000)
    } else {
        (5, 1.0, 3_000_000)
    };
    let seconds = Duration::from_secs_f64(args.seconds.unwrap_or(seconds));
    Effort {
        rounds: args.rounds.unwrap_or(rounds),
        warm_up: seconds / 3,
        window: seconds,
        backlog: args.backlog.unwrap_or(backlog),
        thorough: !args.quick,
        touches: touched(args) > 0,
    }
}

/// The commit of the sources; empty without git.
async fn revision() -> String {
    let described = Command::new("git")
        .args(["-C", env!("CARGO_MANIFEST_DIR")])
        .args(["describe", "--always", "--dirty"])
        .output()
        .await;
    let text = described.map_or_else(|_absent| Vec::new(), |done| done.stdout);
    String::from_utf8_lossy(&text).trim().to_owned()
}

/// Bytes that are touched before the first case.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a size in bytes, given in GiB"
)]
fn touched(args: &RunArgs) -> u64 {
    match args.touch {
        Some(gib) => (gib * 1024.0 * 1024.0 * 1024.0) as u64,
        None => available_memory() / 4 * 3,
    }
}
