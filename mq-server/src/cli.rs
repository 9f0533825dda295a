//! What may be typed after `mq`. Apache's spellings work beside ours: `-n`, `-c`, `key=value`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::dlq::DlqCommand;

/// RocketMQ's servers in one program.
#[derive(Debug, Parser)]
#[command(name = "mq", version, about, max_term_width = 100)]
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
    /// Create, list or delete topics
    #[command(subcommand)]
    Topic(TopicCommand),
    /// List, show or send again the messages that a group has given up: its dead letters
    #[command(subcommand)]
    Dlq(DlqCommand),
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
    pub(crate) namesrv: Option<String>,
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

#[derive(Debug, Subcommand)]
pub(crate) enum TopicCommand {
    /// Create a topic, or change how many queues it has
    Create {
        /// Its name
        #[arg(short, long, value_name = "NAME")]
        topic: String,
        /// Queues on each broker
        #[arg(short, long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
        queues: u16,
        #[command(flatten)]
        at: ClusterArgs,
    },
    /// List all topics
    List {
        #[command(flatten)]
        at: ClusterArgs,
    },
    /// Delete a topic and its messages
    Delete {
        /// Its name
        #[arg(short, long, value_name = "NAME")]
        topic: String,
        #[command(flatten)]
        at: ClusterArgs,
    },
}

/// Which cluster is meant.
#[derive(Clone, Debug, Args)]
pub(crate) struct ClusterArgs {
    /// Name servers, HOST:PORT, several separated by semicolons
    #[arg(
        short = 'n',
        long = "namesrv",
        value_name = "ADDRESSES",
        env = "NAMESRV_ADDR",
        default_value = "127.0.0.1:9876"
    )]
    pub(crate) namesrv: String,
    /// Only the brokers of this cluster
    #[arg(short = 'c', long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
}
