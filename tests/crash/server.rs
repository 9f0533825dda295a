//! `mq standalone` as a process.

use std::error::Error;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use mq_core::clock::Clock;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A running `mq standalone`; killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Where its broker is.
    pub(crate) broker: String,
    /// How long it took until clients could come.
    pub(crate) ready_in: Duration,
}

impl Server {
    /// Starts the server on free ports and waits for its line `ready …`.
    pub(crate) async fn start(
        mq: &Path,
        store: &Path,
        flush: &str,
        segment: u64,
    ) -> Result<Self, Box<dyn Error>> {
        let clock = Clock::system();
        let begun = clock.moment();
        let mut child = Command::new(mq)
            .args(["standalone", "--bind", "127.0.0.1", "--namesrv-port", "0"])
            .args(["--broker-port", "0", "--flush", flush, "--store"])
            .arg(store)
            .arg("--set")
            .arg(format!("mappedFileSizeCommitLog={segment}"))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await? {
            let Some(rest) = line.strip_prefix("ready ") else {
                continue;
            };
            let broker = rest
                .split(' ')
                .find_map(|word| word.strip_prefix("broker="));
            let broker = broker.ok_or("the line `ready` names no broker")?.to_owned();
            return Ok(Self {
                child,
                broker,
                ready_in: clock.moment().since(begun),
            });
        }
        Err(format!("the server ended with {}", child.wait().await?).into())
    }

    /// SIGKILL: no flush, no goodbye.
    pub(crate) async fn kill(&mut self) -> Result<(), Box<dyn Error>> {
        Ok(self.child.kill().await?)
    }

    /// SIGTERM, and waits for the end, which must be in order.
    pub(crate) async fn stop(&mut self, limit: Duration) -> Result<(), Box<dyn Error>> {
        let id = self.child.id().ok_or("the server has ended by itself")?;
        let sent = Command::new("kill")
            .args(["-TERM", &id.to_string()])
            .status()
            .await?;
        let ended = Clock::system().timeout(limit, self.child.wait()).await??;
        if sent.success() && ended.success() {
            Ok(())
        } else {
            Err(format!("the server ended with {ended}").into())
        }
    }
}
