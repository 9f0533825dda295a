//! What may be typed after `mq message`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgGroup, Args, Subcommand};
use mq_core::message::{Properties, property};

use crate::cluster_args::ClusterArgs;
use crate::time::TypedTime;
use crate::typed_queue::TypedQueue;

/// The most messages that one search lists: all of them are in memory at a time.
const MOST_LISTED: i64 = 10_000;

#[derive(Debug, Subcommand)]
pub(crate) enum MessageCommand {
    /// Send a message
    Send(SendArgs),
    /// Show a message whole, by its id or by its queue and offset
    Get(GetArgs),
    /// Find messages by a key, a unique id or the time at which they were stored, the oldest first
    Find(FindArgs),
    /// Print the messages that come to a topic, until it is interrupted
    Tail(TailArgs),
    /// Show who sent a message and who consumed it, as far as clients have traced it
    Trace(TraceArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// The topic
    #[arg(short, long, value_name = "NAME")]
    pub(crate) topic: String,
    /// Its tag
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Option<String>,
    /// A key to find it by; may be given several times
    #[arg(short, long, value_name = "KEY")]
    pub(crate) key: Vec<String>,
    /// A property; may be given several times
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = property)]
    pub(crate) property: Vec<(String, String)>,
    /// The queue to send to
    #[arg(long, value_name = "BROKER:ID")]
    pub(crate) queue: Option<NamedQueue>,
    /// A file that is the body
    #[arg(short, long, value_name = "FILE", conflicts_with = "body")]
    pub(crate) file: Option<PathBuf>,
    /// The body; `-`, or nothing, for standard input
    #[arg(value_name = "BODY")]
    pub(crate) body: Option<String>,
    #[command(flatten)]
    pub(crate) at: ClusterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// The topic
    #[arg(short, long, value_name = "NAME")]
    pub(crate) topic: String,
    /// The id as the sender got it, or an offset id
    #[arg(value_name = "ID", conflicts_with_all = ["queue", "offset"])]
    pub(crate) id: Option<String>,
    /// Its queue
    #[arg(long, value_name = "BROKER:ID", requires = "offset")]
    pub(crate) queue: Option<NamedQueue>,
    /// Its offset in the queue
    #[arg(long, value_name = "OFFSET", requires = "queue")]
    pub(crate) offset: Option<i64>,
    #[command(flatten)]
    pub(crate) at: ClusterArgs,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("criteria").args(["key", "from", "to"]).required(true).multiple(true)))]
pub(crate) struct FindArgs {
    /// The topic
    #[arg(short, long, value_name = "NAME")]
    pub(crate) topic: String,
    /// A key, or a unique id
    #[arg(short, long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Stored at this time or later, such as `2026-11-29 14:05:09` (UTC), `10m` ago, or ms since 1970
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<TypedTime>,
    /// Stored at this time or earlier
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<TypedTime>,
    /// The most messages
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=MOST_LISTED))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) at: ClusterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    /// The topic
    #[arg(short, long, value_name = "NAME")]
    pub(crate) topic: String,
    /// Only messages with these tags, such as `paid || sent`
    #[arg(short, long, value_name = "TAGS", default_value = "*")]
    pub(crate) filter: String,
    /// Only messages whose properties match this condition, such as `total > 100 AND TAGS = 'paid'`
    #[arg(long, value_name = "CONDITION", conflicts_with = "filter")]
    pub(crate) sql: Option<String>,
    /// Begin with the last messages of each queue
    #[arg(short, long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) last: u32,
    /// End after so many messages
    #[arg(long, value_name = "NUMBER")]
    pub(crate) count: Option<u64>,
    #[command(flatten)]
    pub(crate) at: ClusterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TraceArgs {
    /// The id as the sender got it, or a key
    #[arg(value_name = "ID|KEY")]
    pub(crate) id: String,
    /// The topic that the clients trace to
    #[arg(long, value_name = "NAME", default_value = "RMQ_SYS_TRACE_TOPIC")]
    pub(crate) trace_topic: String,
    /// Traced at this time or later, such as `2026-11-29 14:05:09` (UTC), `10m` ago, or ms since 1970
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<TypedTime>,
    /// Traced at this time or earlier
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<TypedTime>,
    #[command(flatten)]
    pub(crate) at: ClusterArgs,
}

/// A queue with its broker, as it is typed: `broker-a:3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedQueue {
    pub(crate) broker: String,
    pub(crate) id: i32,
}

impl FromStr for NamedQueue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(TypedQueue {
                broker: Some(broker),
                id,
            }) => Ok(Self { broker, id }),
            _ => Err(format!(
                "`{text}` is no queue of a broker: write `broker-a:3`"
            )),
        }
    }
}

fn property(text: &str) -> Result<(String, String), String> {
    let Some((name, value)) = text.split_once('=') else {
        return Err(format!("`{text}` is no property: write NAME=VALUE"));
    };
    let option = match name {
        property::KEYS => "; a key is given with `--key`",
        property::TAGS => "; the tag is given with `--tag`",
        _ => "",
    };
    let checked = Properties::default().set_user(name, value);
    checked.map_err(|error| format!("{error}{option}"))?;
    Ok((name.to_owned(), value.to_owned()))
}
