//! What may be typed after `mq group`.

use clap::{Args, Subcommand};

use crate::cluster_args::ClusterArgs;
use crate::time::TypedTime;
use crate::typed_queue::TypedQueue;

#[derive(Debug, Subcommand)]
pub(crate) enum GroupCommand {
    /// List consumer groups with their members and how far they are behind
    List {
        /// Also those of RocketMQ itself
        #[arg(short, long)]
        all: bool,
        #[command(flatten)]
        at: ClusterArgs,
    },
    /// Show a group: its members, what it subscribes to, and each queue with its owner
    Show {
        /// Its name
        #[arg(short, long, value_name = "NAME")]
        group: String,
        /// Only this topic
        #[arg(short, long, value_name = "NAME")]
        topic: Option<String>,
        #[command(flatten)]
        at: ClusterArgs,
    },
    /// Let a group go on from another place in a topic
    Reset(ResetArgs),
    /// Let another group go on where a group is; a group that is not there yet is created
    Clone(CloneArgs),
    /// Delete a group without members, and its offsets; its dead letters stay
    Delete {
        /// Its name
        #[arg(short, long, value_name = "NAME")]
        group: String,
        #[command(flatten)]
        at: ClusterArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ResetArgs {
    /// The group
    #[arg(short, long, value_name = "NAME")]
    pub(crate) group: String,
    /// The topic
    #[arg(short, long, value_name = "NAME")]
    pub(crate) topic: String,
    #[command(flatten)]
    pub(crate) to: ResetToArgs,
    /// Only this queue, of the named broker or of each
    #[arg(long, value_name = "[BROKER:]ID")]
    pub(crate) queue: Option<TypedQueue>,
    /// Only print what would change
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) at: ClusterArgs,
}

/// Where the group goes on; one of them.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ResetToArgs {
    /// To the first message that is still there
    #[arg(long)]
    pub(crate) begin: bool,
    /// Behind the last message
    #[arg(long)]
    pub(crate) end: bool,
    /// To the first message stored at this time or later, such as `2026-11-29 14:05:09` (UTC), `10m` ago, or
    /// ms since 1970
    #[arg(long, value_name = "TIME")]
    pub(crate) time: Option<TypedTime>,
    /// To this offset of each chosen queue
    #[arg(long, value_name = "OFFSET")]
    pub(crate) offset: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct CloneArgs {
    /// The group whose offsets are copied
    #[arg(short, long, value_name = "NAME")]
    pub(crate) group: String,
    /// The group that gets them; it must have no connected members
    #[arg(long, value_name = "NAME")]
    pub(crate) to: String,
    /// Only this topic
    #[arg(short, long, value_name = "NAME")]
    pub(crate) topic: Option<String>,
    /// Only print what would change
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) at: ClusterArgs,
}
