//! The broker, shop-order and shop-user as processes of their own: this program, three times.
//!
//! Invariant: no process outlives this one when it ends in order. Services end before the broker.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use mq_core::clock::Clock;
use mq_starter::asked_to_stop;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::story::{self, Places, STOP_LIMIT};
use crate::{Arguments, SERVER};

/// How long a process may take until it is ready.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Runs the processes until Ctrl-C, or until one of them ends.
pub(crate) async fn run(arguments: &Arguments) -> mq_starter::Result<()> {
    let mut processes = Vec::new();
    let ended = watch(arguments, &mut processes).await;
    for process in processes.into_iter().rev() {
        process.stop().await;
    }
    ended
}

async fn watch(arguments: &Arguments, processes: &mut Vec<Process>) -> mq_starter::Result<()> {
    if arguments.name_server.is_none() {
        let store = ["standalone", "--store", "./data/broker"];
        let mut server = Process::start("mq standalone", &[&[SERVER][..], &store[..]].concat())?;
        server.ready().await?;
        processes.push(server);
    }
    let user = service("user", arguments, processes).await?;
    let order = service("order", arguments, processes).await?;
    story::tell(&Places { order, user })?;
    let ends = processes
        .iter_mut()
        .map(|process| Box::pin(process.ended()));
    tokio::select! {
        () = asked_to_stop() => Ok(()),
        (name, ..) = futures_util::future::select_all(ends) => Err(format!("{name} ended").into()),
    }
}

/// Starts a service with the profile `dev`, which names the broker's address.
async fn service(
    part: &'static str,
    arguments: &Arguments,
    processes: &mut Vec<Process>,
) -> mq_starter::Result<SocketAddr> {
    let mut words = vec!["--part", part];
    if let Some(address) = &arguments.name_server {
        words.extend(["--name-server", address]);
    }
    words.push("--spring.profiles.active=dev");
    words.extend(arguments.settings.iter().map(String::as_str));
    let mut process = Process::start(part, &words)?;
    let line = process.ready().await?;
    processes.push(process);
    let address = line.rsplit('=').next().unwrap_or_default();
    Ok(address.parse()?)
}

struct Process {
    name: &'static str,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(name: &'static str, words: &[&str]) -> mq_starter::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        // Ctrl-C in a terminal reaches this process alone, which ends the others in order.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.kill_on_drop(true).spawn()?;
        let output = child.stdout.take().ok_or("a process has no output")?;
        let lines = BufReader::new(output).lines();
        Ok(Self { name, child, lines })
    }

    /// Waits for the line that says that it is ready.
    async fn ready(&mut self) -> mq_starter::Result<String> {
        let name = self.name;
        let line = async {
            while let Some(line) = self.lines.next_line().await? {
                if line.starts_with("ready ") {
                    return Ok(line);
                }
            }
            Err(std::io::Error::other(
                "it ended before it was ready, see above",
            ))
        };
        let line = Clock::system().timeout(START_LIMIT, line).await;
        Ok(line.map_err(|_elapsed| format!("{name} is not ready after {START_LIMIT:?}"))??)
    }

    /// Resolves with its name when it has ended.
    async fn ended(&mut self) -> &'static str {
        if let Err(error) = self.child.wait().await {
            tracing::warn!(%error, "could not wait for {}", self.name);
        }
        self.name
    }

    /// Asks it to end, and ends it when it does not.
    async fn stop(mut self) {
        if let Err(error) = self.ask_to_end() {
            tracing::warn!(%error, "could not ask {} to end", self.name);
        }
        let wait = self.child.wait();
        if Clock::system().timeout(STOP_LIMIT, wait).await.is_err() {
            tracing::warn!("{} did not end and is killed", self.name);
            if let Err(error) = self.child.kill().await {
                tracing::warn!(%error, "could not kill {}", self.name);
            }
        }
    }

    #[cfg(unix)]
    fn ask_to_end(&self) -> std::io::Result<()> {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        match id.and_then(rustix::process::Pid::from_raw) {
            Some(id) => Ok(rustix::process::kill_process(
                id,
                rustix::process::Signal::TERM,
            )?),
            None => Ok(()),
        }
    }

    #[cfg(not(unix))]
    fn ask_to_end(&mut self) -> std::io::Result<()> {
        self.child.start_kill()
    }
}
