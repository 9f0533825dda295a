//! The options that every command of administrators takes.

use clap::Args;

use crate::name_servers::NameServers;

/// Which cluster is meant, and how it is printed.
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
    pub(crate) namesrv: NameServers,
    /// Only the brokers of this cluster
    #[arg(short = 'c', long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
