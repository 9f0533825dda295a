//! How much memory there is for the end of the log: the machine's, or the container's when that has
//! less.
//!
//! Messages within a share of it behind the end of the log count as being in memory
//! (`accessMessageInMemoryMaxRatio`, `StoreUtil.TOTAL_PHYSICAL_MEMORY_SIZE`).

use std::path::Path;

/// What Apache assumes where the system does not say.
const ASSUMED_MEMORY_BYTES: u64 = 24 * 1024 * 1024 * 1024;

/// Bytes of memory that this process can have at most.
pub fn total_memory() -> u64 {
    total(&|path| std::fs::read_to_string(path).ok()).unwrap_or(ASSUMED_MEMORY_BYTES)
}

/// `percent` of `bytes`.
pub fn share_of(bytes: u64, percent: u8) -> u64 {
    bytes / 100 * u64::from(percent) + bytes % 100 * u64::from(percent) / 100
}

/// The least of what the machine has and the groups of the process are allowed; `read` gives the
/// text of a file.
fn total(read: &dyn Fn(&Path) -> Option<String>) -> Option<u64> {
    let machine = read(Path::new("/proc/meminfo")).and_then(|text| machine(&text));
    let groups = read(Path::new("/proc/self/cgroup")).unwrap_or_default();
    let allowed = groups.lines().filter_map(|line| allowed(line, read)).min();
    machine.into_iter().chain(allowed).min()
}

fn machine(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// The limit of a line `number:controllers:path` of `/proc/self/cgroup`, and of the groups above
/// it: the least counts. Inside of a container the path may be that of the host, of which only the
/// top is there.
fn allowed(line: &str, read: &dyn Fn(&Path) -> Option<String>) -> Option<u64> {
    let (_, line) = line.split_once(':')?;
    let (controllers, path) = line.split_once(':')?;
    let (root, file) = if controllers.is_empty() {
        ("/sys/fs/cgroup", "memory.max")
    } else if controllers.split(',').any(|name| name == "memory") {
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
    } else {
        return None;
    };
    let below = Path::new(path.trim_start_matches('/'));
    let limits = below.ancestors().filter_map(|group| {
        let text = read(&Path::new(root).join(group).join(file))?;
        // `max` is no limit.
        text.trim().parse().ok()
    });
    limits.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total_of(files: &[(&str, &str)]) -> Option<u64> {
        total(&|path| {
            let file = files.iter().find(|(name, _)| Path::new(name) == path)?;
            Some(file.1.to_owned())
        })
    }

    const MACHINE: (&str, &str) = (
        "/proc/meminfo",
        "MemFree:  1 kB\nMemTotal:    8192 kB\nBuffers: 2 kB\n",
    );

    #[test]
    fn without_a_limit_it_is_the_machines_memory() {
        let unlimited = [
            MACHINE,
            ("/proc/self/cgroup", "0::/user/mq\n"),
            ("/sys/fs/cgroup/user/mq/memory.max", "max\n"),
        ];

        assert_eq!(total_of(&[MACHINE]), Some(8 * 1024 * 1024));
        assert_eq!(total_of(&unlimited), Some(8 * 1024 * 1024));
        assert_eq!(total_of(&[]), None);
    }

    #[test]
    fn the_least_limit_of_a_container_counts_in_both_hierarchies() {
        let second = [
            MACHINE,
            ("/proc/self/cgroup", "0::/pod/mq\n"),
            ("/sys/fs/cgroup/pod/mq/memory.max", "4096\n"),
            ("/sys/fs/cgroup/pod/memory.max", "2048\n"),
        ];
        let first = [
            MACHINE,
            (
                "/proc/self/cgroup",
                "5:cpu:/x\n4:hugetlb,memory:/docker/of-the-host\n",
            ),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "1024\n"),
        ];

        assert_eq!(total_of(&second), Some(2048));
        assert_eq!(total_of(&first), Some(1024));
    }

    #[test]
    fn a_group_may_be_allowed_more_than_there_is() {
        let files = [
            MACHINE,
            ("/proc/self/cgroup", "4:memory:/\n"),
            (
                "/sys/fs/cgroup/memory/memory.limit_in_bytes",
                "9223372036854771712\n",
            ),
        ];

        assert_eq!(total_of(&files), Some(8 * 1024 * 1024));
    }

    #[test]
    fn a_share_is_of_any_size() {
        assert_eq!(share_of(1000, 40), 400);
        assert_eq!(share_of(u64::MAX, 100), u64::MAX);
        assert_eq!(share_of(99, 50), 49);
    }
}
