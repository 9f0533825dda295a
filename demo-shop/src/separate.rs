//! The broker, shop-order and shop-user as processes of their own: this program, three times.
//!
//! Invariant: no process outlives this one when it ends in order. Services end before the broker.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use futures_util::future::join_all;
use mq_core::clock::{Clock, Moment};
use mq_core::stop::{Asked, StopSignal};
use mq_starter::config::{ClusterAddress, EmbeddedFlush, EmbeddedSettings, RocketMQConfig};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::story::{self, ServiceAddresses};
use crate::{Arguments, SERVER_COMMAND};

/// How long a process may take until it is ready.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// The name of the server's process in messages.
const SERVER_NAME: &str = "mq standalone";

/// The name server's address when the settings name none for other processes.
const DEFAULT_NAME_SERVER_ADDRESS: &str = "127.0.0.1:9876";

/// Runs the processes until Ctrl-C, or until one of them ends. A second Ctrl-C kills them.
pub(crate) async fn run(arguments: &Arguments) -> mq_starter::Result<Option<Asked>> {
    let config = arguments.broker()?;
    let mut signal = StopSignal::listen()?;
    let mut processes = Vec::new();
    let ended = watch(arguments, &config, &mut signal, &mut processes).await;
    let deadline = Clock::system().moment().plus(config.shutdown_timeout);
    tokio::select! {
        () = stop(processes, deadline) => ended.map(|()| None),
        // What is dropped here is killed.
        asked = signal.received() => Ok(Some(asked)),
    }
}

/// Ends the services, and then the broker.
async fn stop(processes: Vec<Process>, deadline: Moment) {
    let (servers, services): (Vec<_>, Vec<_>) = processes
        .into_iter()
        .partition(|process| process.name == SERVER_NAME);
    for together in [services, servers] {
        let stopped = together.into_iter().map(|process| process.stop(deadline));
        join_all(stopped).await;
    }
}

async fn watch(
    arguments: &Arguments,
    config: &RocketMQConfig,
    signal: &mut StopSignal,
    processes: &mut Vec<Process>,
) -> mq_starter::Result<()> {
    let cluster = match &config.name_server {
        ClusterAddress::Embedded => Some(server(&config.embedded, processes).await?),
        ClusterAddress::At(_) => arguments.name_server.clone(),
    };
    let cluster = cluster.as_deref();
    let user = service("user", arguments, cluster, processes).await?;
    let order = service("order", arguments, cluster, processes).await?;
    story::tell(&ServiceAddresses { order, user })?;
    let ends = processes
        .iter_mut()
        .map(|process| Box::pin(process.ended()));
    tokio::select! {
        _ = signal.received() => Ok(()),
        (name, ..) = futures_util::future::select_all(ends) => Err(format!("{name} ended").into()),
    }
}

/// Starts the server where the settings would have put the broker in this process; the name
/// server's address.
async fn server(
    settings: &EmbeddedSettings,
    processes: &mut Vec<Process>,
) -> mq_starter::Result<String> {
    let listen = settings
        .listen
        .as_deref()
        .unwrap_or(DEFAULT_NAME_SERVER_ADDRESS);
    let mut found = tokio::net::lookup_host(listen).await?;
    let listen = found
        .next()
        .ok_or_else(|| format!("no address for `{listen}`"))?;
    let words = server_words(settings, listen)?;
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let mut server = Process::start(SERVER_NAME, &words)?;
    let line = server.ready().await?;
    processes.push(server);
    let address = line
        .split(' ')
        .find_map(|word| word.strip_prefix("namesrv="));
    Ok(address
        .ok_or("the server did not say where it is")?
        .to_owned())
}

/// What has `mq` do what these settings have a broker in the process do.
fn server_words(
    settings: &EmbeddedSettings,
    listen: SocketAddr,
) -> mq_starter::Result<Vec<String>> {
    let store = settings.store_path.to_str();
    let store = store.ok_or("the store's path is not UTF-8")?;
    let flush = match settings.flush {
        EmbeddedFlush::Interval => "interval",
        EmbeddedFlush::Sync => "sync",
    };
    let mut words = vec![SERVER_COMMAND.to_owned(), "standalone".to_owned()];
    let options = [
        ("--store", store.to_owned()),
        ("--flush", flush.to_owned()),
        ("--bind", listen.ip().to_string()),
        ("--namesrv-port", listen.port().to_string()),
        ("--broker-port", settings.broker_port.to_string()),
    ];
    let levels = settings.message_delay_level.as_ref();
    let levels = levels.map(|levels| ("--set", format!("messageDelayLevel={levels}")));
    for (option, value) in options.into_iter().chain(levels) {
        words.extend([option.to_owned(), value]);
    }
    Ok(words)
}

/// Starts a service with the profile `dev`, the tutorials' own settings, at `cluster`.
async fn service(
    part: &'static str,
    arguments: &Arguments,
    cluster: Option<&str>,
    processes: &mut Vec<Process>,
) -> mq_starter::Result<SocketAddr> {
    let mut words = vec!["--part", part];
    if let Some(address) = cluster {
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
        let line = Clock::system().timeout(START_TIMEOUT, line).await;
        Ok(line.map_err(|_elapsed| format!("{name} is not ready after {START_TIMEOUT:?}"))??)
    }

    /// Resolves with its name when it has ended.
    async fn ended(&mut self) -> &'static str {
        if let Err(error) = self.child.wait().await {
            tracing::warn!(%error, "could not wait for {}", self.name);
        }
        self.name
    }

    /// Asks it to end, and ends it when it has not at `deadline`.
    async fn stop(mut self, deadline: Moment) {
        if let Err(error) = self.ask_to_end() {
            tracing::warn!(%error, "could not ask {} to end", self.name);
        }
        let clock = Clock::system();
        let left = deadline.since(clock.moment());
        if clock.timeout(left, self.child.wait()).await.is_err() {
            tracing::warn!("{} did not end in time and is killed", self.name);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_told_what_the_settings_say_of_the_broker() {
        let settings = EmbeddedSettings {
            store_path: "a b".into(),
            broker_port: 7,
            message_delay_level: Some("1s 2s".to_owned()),
            ..EmbeddedSettings::default()
        };
        let listen = SocketAddr::from(([127, 0, 0, 1], 5));

        let words = server_words(&settings, listen).unwrap();

        let said = "mq standalone --store a b --flush sync --bind 127.0.0.1 --namesrv-port 5 --broker-port 7 \
                    --set messageDelayLevel=1s 2s";
        assert_eq!(words.join(" "), said);
    }
}
