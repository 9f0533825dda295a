//! `kill -9` under load, again and again: whatever was acknowledged must be there afterwards.
//!
//! Sixteen producers send to `mq standalone` in sync mode; every acknowledgement goes into a ledger
//! outside of the broker. The broker is killed, in every second round while it rolls to a new
//! segment, and started again on the same directory. Then every queue is read from its beginning:
//! each acknowledged message must lie at the offset that was acknowledged, and no offset twice.

#![expect(clippy::print_stdout, reason = "a program that reports to a person")]

mod ledger;
mod load;
mod verify;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use mq_core::clock::Clock;
use mq_tests::{Server, Setup};

use ledger::Ledger;

/// Size of a commit log segment during the test, small so that it rolls often.
const SEGMENT: u64 = 16 * 1024 * 1024;
/// A kill this close to the boundary of two segments counts as a kill during a roll.
const ROLL_WINDOW: u64 = 32 * 1024;

#[derive(Debug, Parser)]
struct Arguments {
    /// The `mq` binary.
    #[arg(long)]
    mq: PathBuf,
    /// How often to kill.
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    /// Acknowledgements in each round, at least.
    #[arg(long, default_value_t = 50_000)]
    acknowledgements: usize,
    /// Producers at the same time.
    #[arg(long, default_value_t = 16)]
    producers: usize,
    /// `sync` or `interval`.
    #[arg(long, default_value = "sync")]
    flush: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let clock = Clock::system();
    let directory = tempfile::tempdir()?;
    let store = directory.path().join("store");
    let mut ledger = Ledger::create(&directory.path().join("ledger"))?;
    let setup = Setup {
        mq: arguments.mq,
        store,
        flush: arguments.flush,
        settings: vec![format!("mappedFileSizeCommitLog={SEGMENT}")],
        environment: Vec::new(),
    };
    let mut server = Server::start(&setup).await?;
    let mut rolls = 0;
    for round in 0..arguments.rounds {
        let begun = clock.moment();
        let plan = load::Plan {
            topic: format!("crash-{round}"),
            producers: arguments.producers,
            acknowledgements: arguments.acknowledgements,
            end_at_roll: round % 2 == 1,
        };
        let end = load::run(&plan, &mut server, &mut ledger, &clock).await?;
        let loaded = clock.moment();
        let to_boundary = (end % SEGMENT).min(SEGMENT - end % SEGMENT);
        let rolled = to_boundary <= ROLL_WINDOW;
        rolls += u32::from(rolled);
        server = Server::start(&setup).await?;
        let counted = verify::topic(&server, &plan.topic, &ledger, &clock).await?;
        println!(
            "round {round:2}: {} acknowledged in {:.1} s, killed at {end}{}, ready again in {:.0} ms, {} in the queues, all acknowledged ones among them",
            ledger.of(&plan.topic).count(),
            loaded.since(begun).as_secs_f64(),
            if rolled { " during a roll" } else { "" },
            server.ready_in.as_secs_f64() * 1000.0,
            counted,
        );
    }
    server.stop(Duration::from_secs(20)).await?;
    let mut server = Server::start(&setup).await?;
    let mut counted = 0;
    for round in 0..arguments.rounds {
        counted += verify::topic(&server, &format!("crash-{round}"), &ledger, &clock).await?;
    }
    server.stop(Duration::from_secs(20)).await?;
    println!(
        "{} acknowledged in {} rounds, {rolls} kills during a roll, {counted} in the queues after a clean stop, none missing, no offset twice",
        ledger.len(),
        arguments.rounds,
    );
    if rolls < arguments.rounds / 4 {
        return Err(format!("only {rolls} kills hit a roll").into());
    }
    println!("{} passed, 0 failed", arguments.rounds);
    Ok(())
}
