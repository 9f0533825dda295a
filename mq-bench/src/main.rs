//! `mq-bench`: how fast `mq` is, beside what the machine allows and beside Apache's brokers.
//!
//! [`cases`] are what is measured, each against several [`servers`] in turn ([`rounds`]); what they
//! find is kept in [`results`], printed by [`report`] and held against [`bars`].

mod bars;
mod bench;
mod cases;
mod cli;
mod cpu;
mod java;
mod latencies;
mod load;
mod log_file;
mod machine;
mod report;
mod results;
mod rounds;
mod run;
mod sample;
mod servers;
mod strace;
mod touch;
mod window;

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;
use mq_core::clock::Clock;
use mq_core::stop::StopSignal;
use mq_core::tasks::Tasks;
use servers::null::NullServer;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let command = Cli::parse().command;
    if let Command::Standalone { words } = command {
        return mq_server::run(["mq".into(), "standalone".into()].into_iter().chain(words));
    }
    tracing_subscriber::fmt()
        .with_env_filter(mq_server::log_filter())
        .with_writer(std::io::stderr)
        .init();
    match work(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn work(command: Command) -> Result<()> {
    let clock = Clock::system();
    match command {
        Command::Run(args) => {
            let mut signal = StopSignal::listen()?;
            // Dropping the run ends its servers and removes their files.
            tokio::select! {
                done = run::run(&args, clock) => done,
                _ = signal.received_once() => bail!("stopped before the end"),
            }
        }
        Command::Null { listen } => null(&listen, clock).await,
        Command::GroupCommit {
            producers,
            seconds,
            directory,
        } => {
            let window = std::time::Duration::from_secs(seconds);
            let sample = cases::group_commit::measure(producers, window, &directory, &clock)?;
            Ok(writeln!(
                std::io::stdout(),
                "{}",
                serde_json::to_string(&sample)?
            )?)
        }
        // It has been run before the runtime was there.
        Command::Standalone { .. } => Ok(()),
    }
}

/// Answers until the process is killed.
async fn null(listen: &str, clock: Clock) -> Result<()> {
    let server = NullServer::bind(listen).await?;
    let at = server.address();
    writeln!(std::io::stdout(), "ready namesrv={at} broker={at}")?;
    let tasks = Tasks::new(clock.clone());
    server.serve(clock, &tasks).await
}
