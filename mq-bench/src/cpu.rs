//! CPU time of a process, user and system, all threads: `/proc/PID/stat`.

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
}

/// The fields 14 and 15, counted behind the name in parentheses, which may hold spaces.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
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
    fn the_own_time_grows() {
        let before = Process::own().cpu().unwrap();
        let mut sum = 0_u64;
        while Process::own().cpu().unwrap() <= before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
    }
}
