//! The ceiling of every store that syncs: append and `fdatasync` in groups, without a protocol.
//!
//! Each producer puts its record behind those that wait and is done when it is on disk. The first
//! that finds nobody writing writes and syncs for all who came meanwhile.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use mq_core::clock::Clock;
use parking_lot::{Condvar, Mutex};

use crate::bench::Bench;
use crate::results::Results;
use crate::sample::{Figure, Sample};

pub(crate) const CASE: &str = "group commit";

/// A record's bytes: a body of 1 KiB with what a broker stores around it.
const RECORD: usize = 1024 + 256;

/// A file to which several append.
#[derive(Debug)]
struct Log {
    file: File,
    state: Mutex<State>,
    synced: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Not yet in the file.
    waiting: Vec<u8>,
    /// Records appended, and those of them on disk.
    appended: u64,
    synced: u64,
    /// Whether somebody is writing.
    writing: bool,
}

impl Log {
    /// Appends `record` and waits until it is on disk.
    fn append(&self, record: &[u8]) -> Result<()> {
        let mut state = self.state.lock();
        state.waiting.extend_from_slice(record);
        state.appended += 1;
        let own = state.appended;
        while state.synced < own {
            if state.writing {
                self.synced.wait(&mut state);
                continue;
            }
            state.writing = true;
            let group = std::mem::take(&mut state.waiting);
            let upto = state.appended;
            drop(state);
            (&self.file).write_all(&group)?;
            self.file.sync_data()?;
            state = self.state.lock();
            state.writing = false;
            state.synced = upto;
            self.synced.notify_all();
        }
        Ok(())
    }
}

/// Records a second that `producers` threads get to disk below `directory`.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn measure(
    producers: usize,
    window: Duration,
    directory: &Path,
    clock: &Clock,
) -> Result<Sample> {
    let path = directory.join("group-commit");
    let file = File::create(&path);
    let file = file.with_context(|| format!("could not create `{}`", path.display()))?;
    let log = Arc::new(Log {
        file,
        state: Mutex::default(),
        synced: Condvar::new(),
    });
    let stopping = AtomicBool::new(false);
    let (count, seconds) = std::thread::scope(|scope| {
        let appending = || -> Result<()> {
            let record = vec![b'x'; RECORD];
            while !stopping.load(Ordering::Relaxed) {
                log.append(&record)?;
            }
            Ok(())
        };
        let threads: Vec<_> = (0..producers).map(|_| scope.spawn(appending)).collect();
        let begun = clock.moment();
        std::thread::sleep(window);
        let count = log.state.lock().synced;
        let seconds = clock.moment().since(begun).as_secs_f64();
        stopping.store(true, Ordering::Relaxed);
        for thread in threads {
            let ended = thread
                .join()
                .map_err(|_panic| anyhow::anyhow!("a producer panicked"));
            ended??;
        }
        anyhow::Ok((count, seconds))
    })?;
    Ok(Sample::from([(Figure::PerSecond, count as f64 / seconds)]))
}

/// Runs the loop with as many producers as the other cases have.
pub(crate) fn run(bench: &Bench, results: &mut Results) -> Result<()> {
    for _round in 0..bench.effort.rounds {
        for producers in [1, 16, 64] {
            let directory = bench.scratch()?;
            let sample = measure(
                producers,
                bench.effort.window,
                directory.path(),
                &bench.clock,
            )?;
            let load = format!("{producers} producers, {RECORD} B");
            results.add(CASE, &load, "ceiling", sample);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_is_in_the_file_once_its_append_returns() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let log = Log {
            file: File::create(&path).unwrap(),
            state: Mutex::default(),
            synced: Condvar::new(),
        };

        std::thread::scope(|scope| {
            for record in [b"one-", b"two-", b"six-"] {
                scope.spawn(|| log.append(record).unwrap());
            }
        });

        let bytes = std::fs::read(&path).unwrap();
        let mut records: Vec<_> = bytes.chunks(4).collect();
        records.sort_unstable();
        assert_eq!(records, [b"one-", b"six-", b"two-"]);
    }
}
