//! A server as a child process: the line that says where it is, its CPU time, its end.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use mq_core::clock::Clock;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::cpu::Process;
use crate::log_file;

/// No server takes so long to start, unless it hangs.
const START_LIMIT: Duration = Duration::from_mins(2);

/// A running server; killed when this is dropped, its files removed.
#[derive(Debug)]
pub(crate) struct Server {
    children: Vec<Child>,
    /// What is measured.
    pub(crate) broker: Process,
    pub(crate) namesrv: String,
    /// From the start of the process until it said that it is ready.
    pub(crate) ready_after: Duration,
    directory: TempDir,
}

impl Server {
    /// Starts `command`, whose line `ready namesrv=… broker=…` says where it is. Its log goes into
    /// `directory`.
    pub(super) async fn start(
        mut command: Command,
        directory: TempDir,
        clock: &Clock,
    ) -> Result<Self> {
        let log = log_file::create(directory.path(), "server.log")?;
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let begun = clock.moment();
        let mut child = command
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("could not start {command:?}"))?;
        let out = child.stdout.take().context("no standard output")?;
        let mut line = String::new();
        let mut reader = BufReader::new(out);
        let read = clock.timeout(START_LIMIT, reader.read_line(&mut line));
        read.await
            .context("the server did not say that it is ready")??;
        let word = |name: &str| {
            let mut words = line.split_whitespace();
            words
                .find_map(|word| word.strip_prefix(name))
                .map(str::to_owned)
        };
        let Some(namesrv) = word("namesrv=") else {
            let log = std::fs::read_to_string(directory.path().join("server.log"));
            bail!("the server is not ready: {line}{}", log.unwrap_or_default());
        };
        let ready_after = clock.moment().since(begun);
        Self::of(vec![child], namesrv, directory, ready_after)
    }

    /// Processes that were started otherwise, the broker last.
    pub(super) fn of(
        children: Vec<Child>,
        namesrv: String,
        directory: TempDir,
        ready_after: Duration,
    ) -> Result<Self> {
        let broker = children.last().and_then(Child::id);
        Ok(Self {
            broker: Process(broker.context("the server ended at once")?),
            children,
            namesrv,
            ready_after,
            directory,
        })
    }

    /// Ends it as a crash would and keeps its files.
    pub(crate) async fn crash(mut self) -> Result<TempDir> {
        self.kill().await?;
        Ok(self.directory)
    }

    /// Ends it; its files are removed.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.kill().await
    }

    async fn kill(&mut self) -> Result<()> {
        for child in self.children.iter_mut().rev() {
            child.kill().await.context("could not end a server")?;
        }
        Ok(())
    }
}
