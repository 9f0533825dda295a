//! What may be typed after `mq dlq`.

use clap::{Args, Subcommand};

use crate::cluster_args::AskArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum DlqCommand {
    /// List the dead letters of a group, the newest last
    List {
        #[command(flatten)]
        of: GroupArgs,
        /// The most letters to list, the newest ones
        #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Show a dead letter whole, with its properties and its body
    Show {
        #[command(flatten)]
        of: GroupArgs,
        /// The message id as listed and logged, or an offset id
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Send dead letters again, each once: to the group, whose listener gets it with all its attempts
    /// before it
    Resend {
        #[command(flatten)]
        of: GroupArgs,
        /// Message ids as listed and logged, or offset ids
        #[arg(value_name = "ID")]
        ids: Vec<String>,
        /// Every dead letter that was not sent again yet
        #[arg(long, conflicts_with = "ids")]
        all: bool,
        /// To the topic that the message was first sent to: every group that reads the topic gets it
        /// again
        #[arg(long)]
        to_topic: bool,
    },
}

/// Whose dead letters, and how they are printed.
#[derive(Debug, Args)]
pub(crate) struct GroupArgs {
    /// The consumer group
    #[arg(short, long, value_name = "NAME")]
    pub(crate) group: String,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}
