//! Where everything lies in a store's directory, with Apache's names.

use std::path::{Path, PathBuf};

use crate::message::Date;

/// Digits in the name of a segment or queue file: the offset of its first byte.
const NAME_DIGITS: usize = 20;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[derive(Clone, Debug)]
pub(super) struct Paths {
    pub(super) root: PathBuf,
    pub(super) commit_log: PathBuf,
}

impl Paths {
    pub(super) fn segment(&self, base: u64) -> PathBuf {
        self.commit_log.join(file_name(base))
    }

    pub(super) fn consume_queues(&self) -> PathBuf {
        self.root.join("consumequeue")
    }

    pub(super) fn topic(&self, topic: &str) -> PathBuf {
        self.consume_queues().join(topic)
    }

    pub(super) fn queue(&self, topic: &str, queue_id: i32) -> PathBuf {
        self.topic(topic).join(queue_id.to_string())
    }

    pub(super) fn index(&self) -> PathBuf {
        self.root.join("index")
    }

    /// Not in [`Paths::index`]: Apache's broker takes every file there for one of the index.
    pub(super) fn key_snapshot(&self) -> PathBuf {
        self.root.join("keySnapshot")
    }

    pub(super) fn config(&self) -> PathBuf {
        self.root.join("config")
    }

    pub(super) fn snapshot(&self) -> PathBuf {
        self.config().join("queueSnapshot.json")
    }

    pub(super) fn checkpoint(&self) -> PathBuf {
        self.root.join("checkpoint")
    }

    /// Where a copy of what was cut off the log from `base` on lies.
    pub(super) fn cut_off(&self, base: u64) -> PathBuf {
        file_in(&self.root.join("cut"), base)
    }

    pub(super) fn abort(&self) -> PathBuf {
        self.root.join("abort")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }
}

/// The name of the file that begins at `base`.
pub(super) fn file_name(base: u64) -> String {
    format!("{base:0NAME_DIGITS$}")
}

/// The base that a file name says; `None` when it is no such name.
pub(super) fn base_of(name: &str) -> Option<u64> {
    let digits = name.len() == NAME_DIGITS && name.bytes().all(|b| b.is_ascii_digit());
    let base: u64 = digits.then(|| name.parse().ok()).flatten()?;
    // As Apache's offsets, which have a sign.
    i64::try_from(base).is_ok().then_some(base)
}

/// The file at `base` in `directory`.
pub(super) fn file_in(directory: &Path, base: u64) -> PathBuf {
    directory.join(file_name(base))
}

/// A time (ms since 1970) as `yyyyMMddHHmmssSSS`, in UTC: the name of an index file.
pub(super) fn time_name(time_ms: i64) -> String {
    let Date { year, month, day } = Date::at(time_ms);
    let in_day = time_ms.rem_euclid(DAY_MS);
    let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
    let (second, millis) = (in_day / 1_000 % 60, in_day % 1_000);
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}{millis:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_apache_names_its_index_files() {
        assert_eq!(time_name(0), "19700101000000000");
        assert_eq!(time_name(951_782_400_000), "20000229000000000");
        assert_eq!(time_name(1_795_150_258_401), "20261120045058401");
    }
}
