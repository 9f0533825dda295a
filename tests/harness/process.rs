//! `mq standalone` as a process.

use std::error::Error;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use mq_core::clock::Clock;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How `mq standalone` is started.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The `mq` binary.
    pub mq: PathBuf,
    /// The directory of the store.
    pub store: PathBuf,
    /// `sync` or `interval`.
    pub flush: String,
    /// Settings of the broker, each as `key=value`.
    pub settings: Vec<String>,
    /// Variables of the environment.
    pub environment: Vec<(String, String)>,
}

/// A running `mq standalone`; killed when it is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where its broker is.
    pub broker: String,
    /// How long it took until clients could come.
    pub ready_in: Duration,
}

impl Server {
    /// Starts the server on free ports and waits for its line `ready …`.
    ///
    /// # Errors
    ///
    /// The program cannot be run, or ends before it is ready.
    pub async fn start(setup: &Setup) -> Result<Self, Box<dyn Error>> {
        let clock = Clock::system();
        let begun = clock.moment();
        let settings = setup.settings.iter().flat_map(|pair| ["--set", pair]);
        let environment = setup.environment.iter().map(|(name, value)| (name, value));
        let mut child = Command::new(&setup.mq)
            .args(["standalone", "--bind", "127.0.0.1", "--namesrv-port", "0"])
            .args(["--broker-port", "0", "--flush", &setup.flush, "--store"])
            .arg(&setup.store)
            .args(settings)
            .envs(environment)
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

    /// The number of its process.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// SIGKILL: no flush, no goodbye.
    ///
    /// # Errors
    ///
    /// The process could not be killed.
    pub async fn kill(&mut self) -> Result<(), Box<dyn Error>> {
        Ok(self.child.kill().await?)
    }

    /// SIGTERM, and waits for the end, which must be in order.
    ///
    /// # Errors
    ///
    /// It had ended before, did not end within `limit`, or not in order.
    pub async fn stop(&mut self, limit: Duration) -> Result<(), Box<dyn Error>> {
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
