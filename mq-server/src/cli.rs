//! What may be typed after `mq`. Apache's spellings work beside ours: `-n`, `-c`, `key=value`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::dlq::DlqCommand;
use crate::failure::ExitClass;
use crate::group::GroupCommand;
use crate::message::MessageCommand;
use crate::name_servers::NameServers;
use crate::topic::TopicCommand;

/// RocketMQ's servers in one program.
#[derive(Debug, Parser)]
#[command(name = "mq", version, about, max_term_width = 100, after_help = ExitClass::HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a name server: it tells clients which broker has which topic
    Namesrv(NamesrvArgs),
    /// Run a broker: it takes, keeps and gives messages
    Broker(BrokerArgs),
    /// Run a name server and a broker in one process
    Standalone(StandaloneArgs),
    /// Create, list, show or delete topics
    #[command(subcommand)]
    Topic(TopicCommand),
    /// List or show consumer groups, move or copy their offsets, delete them
    #[command(subcommand)]
    Group(GroupCommand),
    /// Send, get, find or watch messages
    #[command(subcommand)]
    Message(MessageCommand),
    /// List, show or send again the messages that a group has given up: its dead letters
    #[command(subcommand)]
    Dlq(DlqCommand),
    /// Print what a shell needs to complete these words
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

impl Command {
    /// Whether it runs until it is stopped, and logs.
    pub(crate) fn is_server(&self) -> bool {
        matches!(
            self,
            Self::Namesrv(_) | Self::Broker(_) | Self::Standalone(_)
        )
    }
}

#[derive(Debug, Default, Args)]
pub(crate) struct NamesrvArgs {
    /// A properties file, as Apache's `mqnamesrv -c` takes
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The address to listen at; 0.0.0.0 for all
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) bind: Option<IpAddr>,
    /// The port to listen at; 0 picks a free one
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// Keys of the properties file, one by one
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// The same without `--set`
    #[arg(value_name = "KEY=VALUE")]
    pub(crate) words: Vec<String>,
}

#[derive(Debug, Default, Args)]
pub(crate) struct BrokerArgs {
    /// Name servers to register with, HOST:PORT, several separated by semicolons
    #[arg(short = 'n', long = "namesrv", value_name = "ADDRESSES")]
    pub(crate) namesrv: Option<NameServers>,
    /// The address to listen at; 0.0.0.0 for all
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) bind: Option<IpAddr>,
    /// The port to listen at; 0 picks a free one
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
    /// The same as `--set`
    #[arg(value_name = "KEY=VALUE")]
    pub(crate) words: Vec<String>,
}

#[derive(Debug, Default, Args)]
pub(crate) struct StandaloneArgs {
    /// The address both listen at [default: 127.0.0.1]; 0.0.0.0 for all
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) bind: Option<IpAddr>,
    /// The name server's port [default: 9876]; 0 picks a free one
    #[arg(long, value_name = "PORT")]
    pub(crate) namesrv_port: Option<u16>,
    /// The broker's port [default: 10911]; 0 picks a free one
    #[arg(long, value_name = "PORT")]
    pub(crate) broker_port: Option<u16>,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// What every broker takes.
#[derive(Debug, Default, Args)]
pub(crate) struct CommonArgs {
    /// Where messages are kept [default: ./data]
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
    /// When a message counts as stored [default: sync]
    #[arg(long, value_enum)]
    pub(crate) flush: Option<FlushArg>,
    /// A properties file, as Apache's `mqbroker -c` takes
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Keys of the properties file, one by one
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FlushArg {
    /// When it is on the disk
    Sync,
    /// When it is in memory; a power cut loses at most the last 200 ms or 4 MiB
    Interval,
}
