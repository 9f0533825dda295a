//! What takes too long or too much memory for CI: `kill -9` during a million timers and during ten
//! thousand open transactions, ten million timers in memory, and a wall clock that is set by a day.
//!
//! Every test starts `mq standalone` as a process on a directory of its own and prints what it saw. A
//! test that misses what is promised ends the program with an error.

#![expect(clippy::print_stdout, reason = "a program that reports to a person")]

mod client;
mod clock;
mod halves;
mod memory;
mod timer;
mod timers;

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use mq_tests::Setup;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The tests, in the order in which they run by default.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Test {
    /// `kill -9` while timers are outstanding, and while they are delivered.
    Timers,
    /// `kill -9` while half messages are open, and while they are checked.
    Halves,
    /// The memory that outstanding timers take, and the start after `kill -9` with them.
    Memory,
    /// The wall clock is set by a day, back and forth.
    Clock,
}

#[derive(Debug, Parser)]
struct Arguments {
    /// The `mq` binary.
    #[arg(long)]
    mq: PathBuf,
    /// Which tests to run; without any, all.
    #[arg(value_enum)]
    tests: Vec<Test>,
    /// Timers of the test `timers`.
    #[arg(long, default_value_t = 1_000_000)]
    timers: u64,
    /// So many seconds after the first send the first timer is due; all must have been sent by then.
    #[arg(long, default_value_t = 120)]
    lead: u64,
    /// Half messages of the test `halves`.
    #[arg(long, default_value_t = 10_000)]
    halves: u64,
    /// Timers of the test `memory`.
    #[arg(long, default_value_t = 10_000_000)]
    outstanding: u64,
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    let tests = match &arguments.tests[..] {
        [] => Test::value_variants(),
        tests => tests,
    };
    for test in tests {
        let directory = tempfile::tempdir()?;
        let setup = setup(&arguments.mq, directory.path());
        match test {
            Test::Timers => timers::run(setup, arguments.timers, arguments.lead).await?,
            Test::Halves => halves::run(setup, arguments.halves).await?,
            Test::Memory => memory::run(setup, arguments.outstanding).await?,
            Test::Clock => clock::run(setup, directory.path()).await?,
        }
    }
    println!("{} passed, 0 failed", tests.len());
    Ok(())
}

/// A server in `interval` mode: after `kill -9` of the process alone, all that was written is there.
fn setup(mq: &Path, directory: &Path) -> Setup {
    Setup {
        mq: mq.to_owned(),
        store: directory.join("store"),
        flush: "interval".to_owned(),
        settings: Vec::new(),
        environment: Vec::new(),
    }
}
