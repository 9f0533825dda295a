//! What every case is given: programs, a directory, a clock, how long and how often.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use mq_core::clock::Clock;
use tempfile::TempDir;

use crate::java::Java;
use crate::touch;

/// Flush modes, as Apache and we name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flush {
    /// Acknowledged when it is in the page cache: `interval`, `ASYNC_FLUSH`.
    Interval,
    /// Acknowledged when it is on disk: `sync`, `SYNC_FLUSH`.
    Sync,
}

impl Flush {
    /// Our word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Interval => "interval",
            Self::Sync => "sync",
        }
    }
}

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    pub(crate) warm_up: Duration,
    /// What is measured, behind the warm-up.
    pub(crate) window: Duration,
    /// Messages of the backlog that is consumed.
    pub(crate) backlog: u64,
    /// Whether all shapes of a load are run, or only the telling ones.
    pub(crate) thorough: bool,
    /// Whether memory is touched before it is taken.
    pub(crate) touches: bool,
}

/// What every case is given.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) mq: PathBuf,
    /// This program, which is the null server too.
    pub(crate) own: PathBuf,
    /// Apache's programs, when they take part.
    pub(crate) java: Option<Java>,
    /// Stores are made below it, so that they lie on the disk that is meant.
    pub(crate) directory: PathBuf,
    pub(crate) clock: Clock,
    pub(crate) effort: Effort,
}

impl Bench {
    /// Finds the programs. `mq` is, unless given, the one beside this program.
    pub(crate) fn new(
        mq: Option<PathBuf>,
        directory: PathBuf,
        effort: Effort,
        clock: Clock,
    ) -> Result<Self> {
        let own = std::env::current_exe().context("this program's own path")?;
        let mq = mq.unwrap_or_else(|| own.with_file_name("mq"));
        if !mq.is_file() {
            let mq = mq.display();
            bail!("`{mq}` is not there: `cargo build --release -p mq-server`, or `--mq PATH`");
        }
        std::fs::create_dir_all(&directory)
            .with_context(|| format!("could not create `{}`", directory.display()))?;
        Ok(Self {
            mq,
            own,
            java: None,
            directory,
            clock,
            effort,
        })
    }

    /// Apache's programs.
    pub(crate) fn java(&self) -> Result<&Java> {
        let java = self.java.as_ref();
        java.context("Java is not asked for: `--peers`")
    }

    /// Touches memory that a load will take while it is measured.
    pub(crate) async fn touch(&self, mib: usize) -> Result<()> {
        if !self.effort.touches {
            return Ok(());
        }
        let clock = self.clock.clone();
        let touching = tokio::task::spawn_blocking(move || touch::before_load(mib, &clock));
        touching.await.context("the touching thread")
    }

    /// An empty directory, removed when it is dropped.
    pub(crate) fn scratch(&self) -> Result<TempDir> {
        let made = tempfile::Builder::new()
            .prefix("mq-bench-")
            .tempdir_in(&self.directory);
        made.with_context(|| format!("no directory below `{}`", self.directory.display()))
    }
}
