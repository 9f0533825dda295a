//! The whole story in one command: the broker, shop-order and shop-user.
//!
//! `demo-shop` runs all three in this process, `demo-shop --separate` in three processes.

mod separate;
mod story;
mod together;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use mq_starter::config::SettingsOptions;

/// An order becomes a text message.
#[derive(Debug, Parser)]
#[command(name = "demo-shop", version, about)]
struct Arguments {
    /// Run the broker, shop-order and shop-user as processes of their own
    #[arg(long)]
    separate: bool,
    /// Use the cluster at this address instead of a broker of our own
    #[arg(long, value_name = "HOST:PORT")]
    name_server: Option<String>,
    /// Only this part, as a process of its own
    #[arg(long, hide = true)]
    part: Option<Part>,
    /// Settings, such as --server.port=0
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "--KEY=VALUE"
    )]
    settings: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Order,
    User,
}

impl Arguments {
    /// Settings of a service, with what was typed here on top.
    fn over(&self, options: SettingsOptions) -> SettingsOptions {
        let options = options.arguments(self.settings.iter().cloned());
        match &self.name_server {
            Some(address) => options.set("rocketmq.name-server", address),
            None => options,
        }
    }
}

/// The first word that makes this program the server `mq`.
const SERVER: &str = "mq";

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if words.first().is_some_and(|word| word == SERVER) {
        return mq_server::run(words);
    }
    tracing_subscriber::fmt()
        .with_env_filter(mq_server::log_filter())
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tracing::error!("{failure:?}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(arguments: &Arguments) -> mq_starter::Result<()> {
    match (arguments.part, arguments.separate) {
        (Some(part), _) => together::part(arguments, part).await,
        (None, true) => separate::run(arguments).await,
        (None, false) => together::run(arguments).await,
    }
}

#[cfg(test)]
mod tests;
