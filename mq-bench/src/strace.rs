//! System calls of a running process, counted by `strace -c`. Counting slows the process down, so
//! it is a short run of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};

use crate::cpu::Process;

/// `strace` attached to a process.
#[derive(Debug)]
pub(crate) struct Strace {
    child: Child,
    /// Held, because `strace` ends when nobody reads what it says.
    says: BufReader<ChildStderr>,
    summary: PathBuf,
    _directory: TempDir,
}

impl Strace {
    /// Attaches to all threads of `process`, also those to come.
    pub(crate) async fn attach(process: Process, directory: TempDir) -> Result<Self> {
        let summary = directory.path().join("strace");
        let mut child = Command::new("strace")
            .args(["-f", "-c", "-p", &process.0.to_string(), "-o"])
            .arg(&summary)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("could not start `strace`")?;
        let mut says = BufReader::new(child.stderr.take().context("no standard error")?);
        let mut line = String::new();
        says.read_line(&mut line).await?;
        ensure!(
            line.contains("attached"),
            "strace says: {}",
            line.trim_end()
        );
        Ok(Self {
            child,
            says,
            summary,
            _directory: directory,
        })
    }

    /// Lets the process go on; the calls that it made meanwhile, by name.
    pub(crate) async fn detach(mut self) -> Result<BTreeMap<String, u64>> {
        let process = self.child.id().context("strace has ended")?;
        let interrupt = ["-INT".to_owned(), process.to_string()];
        Command::new("kill").args(interrupt).status().await?;
        let mut rest = String::new();
        while self.says.read_line(&mut rest).await? > 0 {}
        self.child.wait().await?;
        let text = std::fs::read_to_string(&self.summary).context("no summary of strace")?;
        Ok(counts(&text))
    }
}

/// The column `calls` of a summary: percent, seconds, µs a call, calls, errors unless there are none,
/// name.
fn counts(summary: &str) -> BTreeMap<String, u64> {
    let count = |line: &str| {
        let mut words = line.split_whitespace();
        let _percent: f64 = words.next()?.parse().ok()?;
        let calls: u64 = words.nth(2)?.parse().ok()?;
        let name = words.last().filter(|name| *name != "total")?;
        Some((name.to_owned(), calls))
    };
    summary.lines().filter_map(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_read_with_and_without_errors() {
        let summary = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 61.03    0.123456           5     24691           pwrite64
 38.97    0.078901          12      6575       321 futex
  0.00    0.000000           0         1         1 ioctl
------ ----------- ----------- --------- --------- ----------------
100.00    0.202357           6     31267       322 total
";

        let counts = counts(summary);

        let expected = [("futex", 6575), ("ioctl", 1), ("pwrite64", 24_691)];
        let expected = expected.map(|(name, calls)| (name.to_owned(), calls));
        assert_eq!(counts, BTreeMap::from(expected));
    }

    #[test]
    fn what_is_no_line_of_a_summary_is_passed_over() {
        assert!(counts("strace: Process 12 attached\n\n% time seconds\n").is_empty());
    }
}
