//! The servers as a program: `mq namesrv`, `mq broker`, `mq standalone`; and what administrators do:
//! `mq topic`, `mq group`, `mq message`, `mq dlq`.
//!
//! A library, so that another program can be the server when it is asked to.

mod admin;
mod broker;
mod cli;
mod cluster_args;
mod dlq;
mod failure;
mod group;
mod memory;
mod message;
mod name_servers;
mod namesrv;
mod output;
mod printable;
mod reader;
mod ready;
mod running;
mod settings;
mod standalone;
mod time;
mod topic;
mod typed_queue;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use mq_core::clock::Clock;
use tracing_subscriber::EnvFilter;

use cli::{Cli, Command};
use failure::ProgramFailure;

/// Runs `mq` with these words, the first being the program's name; says how it ended.
///
/// Servers log to standard error, and print the line `ready …` to standard output. Commands of administrators
/// say there in one line why they fail, and log only what `RUST_LOG` asks for.
pub fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command = match Cli::try_parse_from(words) {
        Ok(cli) => cli.command,
        Err(error) => return usage(&error),
    };
    let is_server = command.is_server();
    tracing_subscriber::fmt()
        .with_env_filter(log_filter_or(if is_server { "info" } else { "off" }))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // Otherwise a line that cannot be written is a panic wherever it was logged, as when the log lies
        // on a full disk or whoever read it is gone.
        .log_internal_errors(false)
        .init();
    memory::return_what_is_freed();
    match serve(command) {
        Ok(()) => ExitCode::SUCCESS,
        // As when the output is piped into `head`.
        Err(failure) if failure.is_closed_output() => ExitCode::SUCCESS,
        Err(failure) => {
            if is_server {
                tracing::error!("{failure}");
            } else {
                output::note(&failure);
            }
            failure.exit_code()
        }
    }
}

/// What is logged: `RUST_LOG`, or everything from INFO up.
pub fn log_filter() -> EnvFilter {
    log_filter_or("info")
}

fn log_filter_or(default: &str) -> EnvFilter {
    EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new(default))
}

/// Help is no failure; a word that is not understood is. Whether anybody reads it does not matter.
fn usage(error: &clap::Error) -> ExitCode {
    drop(error.print());
    if error.use_stderr() {
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    }
}

#[tokio::main]
async fn serve(command: Command) -> Result<(), ProgramFailure> {
    let clock = Clock::system();
    match command {
        Command::Namesrv(args) => namesrv::run(args, clock).await,
        Command::Broker(args) => broker::run(args, clock).await,
        Command::Standalone(args) => standalone::run(args, clock).await,
        Command::Topic(command) => topic::run(command, clock).await,
        Command::Group(command) => group::run(command, clock).await,
        Command::Message(command) => message::run(command, clock).await,
        Command::Dlq(command) => dlq::run(command, clock).await,
        Command::Completions { shell } => completions(shell),
    }
}

/// Prints what a shell runs to complete the words of `mq`.
fn completions(shell: clap_complete::Shell) -> Result<(), ProgramFailure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "mq", &mut script);
    output::say(String::from_utf8(script)?.trim_end())?;
    Ok(())
}
