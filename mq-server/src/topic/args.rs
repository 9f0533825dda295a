//! What may be typed after `mq topic`.

use clap::Subcommand;

use crate::cluster_args::ClusterArgs;

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
    /// List topics with their queues on each broker
    List {
        /// Also those of RocketMQ itself, and those for retries and dead letters
        #[arg(short, long)]
        all: bool,
        #[command(flatten)]
        at: ClusterArgs,
    },
    /// Show a topic with its queues, its rate and its groups
    Show {
        /// Its name
        #[arg(short, long, value_name = "NAME")]
        topic: String,
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
