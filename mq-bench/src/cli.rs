//! What may be typed after `mq-bench`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// How fast mq is, beside what the machine allows.
#[derive(Debug, Parser)]
#[command(name = "mq-bench", version, about, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the cases and print their figures
    Run(RunArgs),
    /// A server that answers every send and stores nothing
    Null {
        /// Where it listens; port 0 takes a free one
        #[arg(long, default_value = "127.0.0.1:0", value_name = "HOST:PORT")]
        listen: String,
    },
    /// Append and fdatasync in groups, without a protocol
    GroupCommit {
        /// Threads that append
        #[arg(long, default_value_t = 16)]
        producers: usize,
        #[arg(long, default_value_t = 5)]
        seconds: u64,
        /// On the disk that is meant
        #[arg(long, default_value = ".", value_name = "DIR")]
        directory: PathBuf,
    },
    /// `mq standalone`, for tests that have no other program
    #[command(hide = true)]
    Standalone {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Five minutes: our own client only, bodies of 1 KiB, three rounds
    #[arg(long)]
    pub(crate) quick: bool,
    /// With Apache's client, and beside Apache's brokers; needs Java and Maven, takes up to an hour
    #[arg(long, conflicts_with = "quick")]
    pub(crate) peers: bool,
    /// Only these cases
    #[arg(long, value_delimiter = ',', value_name = "CASES")]
    pub(crate) only: Vec<CaseName>,
    /// How often everything is run, in turn [default: 5, quick: 3]
    #[arg(long)]
    pub(crate) rounds: Option<usize>,
    /// Measured seconds of each run behind the warm-up [default: 1, quick: 1.5]
    #[arg(long)]
    pub(crate) seconds: Option<f64>,
    /// Messages of the backlog that is consumed [default: 3000000, quick: 300000]
    #[arg(long, value_name = "MESSAGES")]
    pub(crate) backlog: Option<u64>,
    /// Memory that is touched before, GiB [default: three quarters of what is available]
    #[arg(long, value_name = "GIB")]
    pub(crate) touch: Option<f64>,
    /// The `mq` that is measured [default: the one beside this program]
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) mq: Option<PathBuf>,
    /// Where stores are made, on the disk that is meant
    #[arg(long, default_value = "target/bench", value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Write everything that was found into this file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// The cases by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum CaseName {
    /// Our client in a closed loop
    Native,
    /// The store in this process
    Append,
    /// Groups to disk without a protocol
    GroupCommit,
    /// From a template to a handler
    EndToEnd,
    /// A push and a lite pull consumer and a backlog
    Consume,
    /// A consumer that is let have one message of a hundred
    Filtered,
    /// System calls of the server
    Calls,
    /// Messages for a time of their own; not with `--quick`
    Later,
    /// Half messages and their ends
    Transactions,
    /// Requests and their replies
    Requests,
    /// Ready again after a kill; not with `--quick`
    Restart,
    /// Apache's client: sends
    JavaSends,
    /// Apache's client: a backlog
    JavaConsume,
    /// Apache's client: from producer to consumer
    JavaEndToEnd,
    /// Apache's client: system calls of the server
    JavaCalls,
    /// Apache's client: half messages and their ends
    JavaTransactions,
    /// Apache's client: requests and their replies
    JavaRequests,
}

impl RunArgs {
    /// Whether a case is to be run: those that were named, else all that the other words allow.
    pub(crate) fn wants(&self, case: CaseName) -> bool {
        if !self.only.is_empty() {
            return self.only.contains(&case);
        }
        match case {
            CaseName::Restart | CaseName::Later => !self.quick,
            _ => self.peers || !case.needs_java(),
        }
    }
}

impl CaseName {
    /// Whether Apache's programs take part.
    pub(crate) fn needs_java(self) -> bool {
        matches!(
            self,
            Self::JavaSends
                | Self::JavaConsume
                | Self::JavaEndToEnd
                | Self::JavaCalls
                | Self::JavaTransactions
                | Self::JavaRequests
        )
    }
}
