//! CPU time: of a process, user and system, all threads, from `/proc/PID/stat`; and of programs that
//! have nothing to do with the run, from `/proc/stat`. What a process reads, from `/proc/PID/io`.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Linux counts in hundredths of a second here (`USER_HZ`), whatever its own clock does.
const TICK_MS: u64 = 10;

/// A process whose CPU time is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// This one.
    pub(crate) fn own() -> Self {
        Self(std::process::id())
    }

    /// The CPU time that it has used so far.
    pub(crate) fn cpu(self) -> Result<Duration> {
        let path = format!("/proc/{}/stat", self.0);
        let text = fs::read_to_string(&path).with_context(|| format!("could not read `{path}`"))?;
        let ticks = ticks(&text).with_context(|| format!("`{path}` is not understood"))?;
        Ok(Duration::from_millis(ticks.saturating_mul(TICK_MS)))
    }

    /// The bytes that it has read so far, from sockets too.
    pub(crate) fn bytes_read(self) -> Result<u64> {
        let path = format!("/proc/{}/io", self.0);
        let text = fs::read_to_string(&path).with_context(|| format!("could not read `{path}`"))?;
        bytes_read(&text).with_context(|| format!("`{path}` is not understood"))
    }
}

/// What stands behind `rchar:`.
fn bytes_read(io: &str) -> Option<u64> {
    let line = io.lines().find_map(|line| line.strip_prefix("rchar:"));
    line?.trim().parse().ok()
}

/// The fields 14 and 15, counted behind the name in parentheses, which may hold spaces.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// CPU time of the whole machine and of this program with its children, since the start of each.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MachineTime {
    /// All processors together: working, taken by the host, and idle.
    busy: u64,
    stolen: u64,
    idle: u64,
    /// This program and those of its children that have ended.
    own: u64,
}

impl MachineTime {
    pub(crate) fn now() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Self {
            own: own_ticks(&read("/proc/self/stat")).unwrap_or_default(),
            ..machine_ticks(&read("/proc/stat")).unwrap_or_default()
        }
    }

    /// What other programs and the host took since `earlier`, as a part of all processors' time.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub(crate) fn foreign_since(self, earlier: Self) -> f64 {
        let busy = self.busy.saturating_sub(earlier.busy);
        let stolen = self.stolen.saturating_sub(earlier.stolen);
        let idle = self.idle.saturating_sub(earlier.idle);
        let own = self.own.saturating_sub(earlier.own);
        let foreign = busy.saturating_sub(own) + stolen;
        foreign as f64 / (busy + stolen + idle).max(1) as f64
    }
}

/// The first line of `/proc/stat`: user, nice, system, idle, waiting for disks, two kinds of
/// interrupts, stolen.
fn machine_ticks(stat: &str) -> Option<MachineTime> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = line
        .split_whitespace()
        .map_while(|word| word.parse().ok())
        .collect();
    let [user, nice, system, idle, waiting, hard, soft, stolen, ..] = *ticks else {
        return None;
    };
    Some(MachineTime {
        busy: user + nice + system + hard + soft,
        stolen,
        idle: idle + waiting,
        own: 0,
    })
}

/// The fields 14 to 17: user and system time, then the same of children that have ended.
fn own_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let fields = fields.split_whitespace().skip(11).take(4);
    fields.map(|field| field.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_are_found_behind_a_name_with_spaces() {
        let stat = "4711 (a (strange) name) S 1 2 3 4 5 6 7 8 9 10 120 34 0 0 20 0 9 0 1 2 3";

        assert_eq!(ticks(stat), Some(154));
        assert_eq!(ticks("4711 (short) S 1 2"), None);
    }

    #[test]
    fn what_neither_this_program_nor_its_children_used_is_foreign() {
        let own = own_ticks("7 (bench) S 1 2 3 4 5 6 7 8 9 10 20 10 15 5 0 0").unwrap();
        let before = MachineTime::default();
        let after = MachineTime {
            own,
            ..machine_ticks("cpu  60 5 30 85 5 2 3 10 0 0\ncpu0 1 1\n").unwrap()
        };

        // Of 200 ticks 100 were work, 50 of them its own, and 10 were stolen.
        let foreign = after.foreign_since(before);

        assert!((foreign - 0.3).abs() < 1e-9, "{foreign}");
        assert!(machine_ticks("intr 1 2").is_none());
    }

    #[test]
    fn what_is_read_counts() {
        assert_eq!(bytes_read("rchar: 12\nwchar: 3\n"), Some(12));
        assert_eq!(bytes_read("wchar: 3\n"), None);
        let before = Process::own().bytes_read().unwrap();
        let length = fs::read("/proc/self/maps").unwrap().len() as u64;

        assert!(Process::own().bytes_read().unwrap() >= before + length);
    }

    #[test]
    fn the_own_time_grows() {
        let before = Process::own().cpu().unwrap();
        let mut sum = 0_u64;
        while Process::own().cpu().unwrap() <= before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
    }
}
