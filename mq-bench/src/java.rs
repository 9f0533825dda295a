//! Java programs as child processes, and the lines in which they report: Apache's benchmark
//! (`org.apache.rocketmq.example.benchmark`), and ours for what that has no program for.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use mq_core::clock::Clock;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::cpu::Process;
use crate::log_file;

/// Apache's releases that take part when peers are asked for, the faster ones of 4 and 5.
pub(crate) const PEERS: [&str; 2] = ["4.9.7", "5.3.3"];
/// The release of the benchmark programs.
const CLIENT: &str = "5.5.0";

const MAIN: &str = "org.apache.rocketmq.example.benchmark";
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/java");
/// It has touched its memory before it sends.
const HEAP: [&str; 3] = ["-Xms1g", "-Xmx1g", "-XX:+AlwaysPreTouch"];
/// No report takes so long, unless the program hangs.
const REPORT_LIMIT: Duration = Duration::from_mins(1);

/// Class paths of Apache's programs.
#[derive(Clone, Debug)]
pub(crate) struct Java {
    client: String,
    /// Version and class path of its servers.
    servers: Vec<(&'static str, String)>,
}

impl Java {
    /// Fetches everything by Maven, unless it is there.
    pub(crate) async fn fetch() -> Result<Self> {
        let client = class_path("client", CLIENT).await?;
        let mut servers = Vec::new();
        for version in PEERS {
            servers.push((version, class_path("servers", version).await?));
        }
        Ok(Self { client, servers })
    }

    pub(crate) fn servers(&self, version: &str) -> Result<&str> {
        let mut all = self.servers.iter();
        let found = all.find(|(known, _)| *known == version);
        let (_, path) = found.with_context(|| format!("RocketMQ {version} was not fetched"))?;
        Ok(path)
    }

    /// Starts a program; it runs until it is dropped.
    pub(crate) fn start(
        &self,
        main: Main,
        arguments: &[String],
        directory: TempDir,
        clock: &Clock,
    ) -> Result<Program> {
        let mut child = Command::new("java")
            .args(HEAP)
            .arg(format!("-Duser.home={}", directory.path().display()))
            .args(["-cp", &self.client, &main.argument()])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log_file::create(directory.path(), "client.log")?)
            .kill_on_drop(true)
            .spawn()
            .context("could not start `java`")?;
        let out = child.stdout.take().context("no standard output")?;
        Ok(Program {
            process: Process(child.id().context("java ended at once")?),
            child,
            lines: BufReader::new(out).lines(),
            clock: clock.clone(),
            _directory: directory,
        })
    }
}

/// What a child process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Main {
    /// Apache's benchmark program of this name.
    Apache(&'static str),
    /// The source file of this name beside the class path, which `java` compiles when it starts.
    Own(&'static str),
}

impl Main {
    fn argument(self) -> String {
        match self {
            Self::Apache(name) => format!("{MAIN}.{name}"),
            Self::Own(file) => format!("{SOURCES}/{file}"),
        }
    }
}

/// The class path that the script beside the sources prints.
async fn class_path(kind: &str, version: &str) -> Result<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("java/class-path");
    let done = Command::new(script).args([kind, version]).output().await;
    let done = done.context("could not start `java/class-path`")?;
    if !done.status.success() {
        bail!(
            "no class path: {}",
            String::from_utf8_lossy(&done.stderr).trim()
        );
    }
    Ok(String::from_utf8(done.stdout)?.trim().to_owned())
}

/// A running program.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) process: Process,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    clock: Clock,
    _directory: TempDir,
}

impl Program {
    pub(crate) async fn line(&mut self) -> Result<String> {
        let line = self.clock.timeout(REPORT_LIMIT, self.lines.next_line());
        let line = line.await.context("the program reports nothing")??;
        line.context("the program ended")
    }

    /// The next report.
    pub(crate) async fn report(&mut self) -> Result<Report> {
        loop {
            if let Some(report) = Report::read(&self.line().await?) {
                return Ok(report);
            }
        }
    }

    pub(crate) async fn stop(mut self) -> Result<()> {
        self.child.kill().await.context("could not end java")
    }
}

/// A line of a report: `name: value | name: value`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report(Vec<(String, f64)>);

impl Report {
    fn read(line: &str) -> Option<Self> {
        let figures = line.split(" | ").filter_map(|part| {
            let (name, value) = part.rsplit_once(": ")?;
            Some((name.trim().to_owned(), value.trim().parse().ok()?))
        });
        let figures: Vec<_> = figures.collect();
        let is_report = line.starts_with("Current Time") && !figures.is_empty();
        is_report.then_some(Self(figures))
    }

    pub(crate) fn figure(&self, name: &str) -> Result<f64> {
        let mut all = self.0.iter();
        let found = all.find(|(known, _)| known == name);
        let (_, value) = found.with_context(|| format!("no `{name}` in {:?}", self.0))?;
        Ok(*value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_by_the_names_of_its_figures() {
        let line = "Current Time: 2026-11-28 22:30:00,123 | Send TPS: 83815 | Max RT(ms): 12 | \
                    Average RT(ms):   0.762 | Send Failed: 0 | Response Failed: 0";

        let report = Report::read(line).unwrap();

        assert_eq!(
            report.figure("Send TPS").unwrap().to_bits(),
            83_815_f64.to_bits()
        );
        assert_eq!(
            report.figure("Average RT(ms)").unwrap().to_bits(),
            0.762_f64.to_bits()
        );
        assert!(report.figure("Send MPS").is_err());
    }

    #[test]
    fn what_a_program_says_before_is_no_report() {
        let line = "topic: bench, threadCount: 64, messageSize: 1024, asyncEnable: false";

        assert_eq!(Report::read(line), None);
    }
}
