//! The options that every command of administrators takes.

use clap::Args;

use crate::name_servers::NameServers;

/// Who is asked, and how it is printed.
#[derive(Clone, Debug, Args)]
pub(crate) struct AskArgs {
    /// Name servers, HOST:PORT, several separated by semicolons
    #[arg(
        short = 'n',
        long = "namesrv",
        value_name = "ADDRESSES",
        env = "NAMESRV_ADDR",
        default_value = "127.0.0.1:9876"
    )]
    pub(crate) namesrv: NameServers,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The same, of which only one cluster may be meant.
#[derive(Clone, Debug, Args)]
pub(crate) struct ClusterArgs {
    #[command(flatten)]
    pub(crate) ask: AskArgs,
    /// Only the brokers of this cluster
    #[arg(short = 'c', long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
}
