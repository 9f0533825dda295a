//! The machine that the figures are of.

use std::fs;

use serde::Serialize;

/// What stands beside the figures.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cpus: usize,
    pub(crate) memory_mib: u64,
    pub(crate) kernel: String,
    /// Load of the last minute before the run, by others.
    pub(crate) load_before: String,
}

impl Machine {
    /// As `/proc` describes it; what cannot be read is left empty.
    pub(crate) fn this() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let load = read("/proc/loadavg");
        Self {
            cpu: line(&read("/proc/cpuinfo"), "model name").to_owned(),
            cpus: std::thread::available_parallelism().map_or(1, Into::into),
            memory_mib: memory("MemTotal") / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_before: load.split(' ').next().unwrap_or_default().to_owned(),
        }
    }
}

/// Memory that can be had without swapping, bytes.
pub(crate) fn available_memory() -> u64 {
    memory("MemAvailable") * 1024
}

/// A line of `/proc/meminfo`, KiB.
fn memory(name: &str) -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let number = line(&text, name).trim_end_matches(" kB");
    number.trim().parse().unwrap_or_default()
}

/// What stands behind `name` and a colon.
fn line<'a>(text: &'a str, name: &str) -> &'a str {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let mut named = lines.filter(|(key, _)| key.trim() == name);
    named.next().map_or("", |(_, value)| value.trim())
}
