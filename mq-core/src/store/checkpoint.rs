//! The file `checkpoint`: Apache's timestamps in front, and behind them the synced mark.
//!
//! The mark is a lower bound of what is on disk. It has two slots, written in turn and checksummed,
//! so that one of them is whole whenever the power goes.
//!
//! Of Apache's timestamps the second (`logicsMsgTimestamp`) says up to when the consume queues are
//! complete: from the segment of that time on its broker derives anew after a crash, the index as well.
//! So it stays behind what is derived, which may lag by 32 MiB of log, and behind the oldest message
//! whose keys are in no index file yet.

use std::sync::Arc;

use bytes::{Buf, BufMut};

use super::disk::{Disk, File};
use super::error::{StoreError, at};
use super::paths::Paths;
use crate::message::record::checksum;

const FILE_SIZE: u64 = 4096;
const APACHE_SIZE: usize = 40;
const SLOT_OFFSETS: [u64; 2] = [512, 1024];
const SLOT_SIZE: usize = 36;

/// What is known to be on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// The log is on disk up to here.
    pub(super) log: u64,
    /// What is derived (consume queues, index) is, for all messages before this physical offset.
    pub(super) derived: u64,
    /// Store time of the last message before `log`, ms since 1970.
    pub(super) time_ms: i64,
}

#[derive(Debug)]
pub(super) struct Checkpoint {
    file: Box<dyn File>,
    path: std::path::PathBuf,
    mark: Option<Mark>,
    generation: u64,
    /// Store time up to which all that is derived is on disk.
    derived_time_ms: i64,
    /// `logicsMsgTimestamp` as it is in the file.
    logics_time_ms: i64,
    /// Ends of the log with the store time of the message before, the newest last.
    ends: [(u64, i64); 2],
}

impl Checkpoint {
    /// Opens or creates the file. Slots that are damaged count as absent.
    pub(super) fn open(disk: &Arc<dyn Disk>, paths: &Paths) -> Result<Self, StoreError> {
        let path = paths.checkpoint();
        let existing = match disk.open(&path) {
            Ok(file) => file
                .length()
                .map_err(at("open", &path))?
                .ge(&FILE_SIZE)
                .then_some(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(at("open", &path)(error)),
        };
        let file = if let Some(file) = existing {
            file
        } else {
            disk.remove(&path).map_err(at("remove", &path))?;
            disk.create(&path, FILE_SIZE).map_err(at("create", &path))?
        };
        let mut logics_time = [0; 8];
        file.read_at(8, &mut logics_time)
            .map_err(at("read", &path))?;
        let mut newest: Option<(u64, Mark)> = None;
        for slot in SLOT_OFFSETS {
            let mut bytes = [0; SLOT_SIZE];
            file.read_at(slot, &mut bytes).map_err(at("read", &path))?;
            newest = newest.max_by_generation(decode(&bytes));
        }
        let generation = newest.map_or(0, |(generation, _)| generation);
        let logics_time_ms = i64::from_be_bytes(logics_time);
        Ok(Self {
            file,
            path,
            mark: newest.map(|(_, mark)| mark),
            generation,
            derived_time_ms: logics_time_ms,
            logics_time_ms,
            ends: [(u64::MAX, 0); 2],
        })
    }

    /// The newest mark; `None` in a store that only Apache's broker has written.
    pub(super) fn mark(&self) -> Option<Mark> {
        self.mark
    }

    /// Notes where the log ends, and the store time of the message before.
    pub(super) fn note_end(&mut self, end: u64, time_ms: i64) {
        let [_, before] = self.ends;
        self.ends = [before, (end, time_ms)];
    }

    /// Saves a mark, and Apache's timestamps with it. No index file has the keys of messages from the
    /// store time `unfiled_since` on.
    pub(super) fn save(
        &mut self,
        mark: Mark,
        unfiled_since: Option<i64>,
    ) -> Result<(), StoreError> {
        let known = self.mark.map_or(0, |known| known.derived);
        // What is derived is built again from an earlier offset on.
        let begin = if mark.derived < known {
            0
        } else {
            self.derived_time_ms
        };
        let ends = self.ends.iter().filter(|(end, _)| *end <= mark.derived);
        let derived_time_ms = ends.map(|(_, time_ms)| *time_ms).fold(begin, i64::max);
        let logics_time_ms =
            unfiled_since.map_or(derived_time_ms, |since| since.min(derived_time_ms));
        if self.mark == Some(mark) && self.logics_time_ms == logics_time_ms {
            self.derived_time_ms = derived_time_ms;
            return Ok(());
        }
        // Counted on only when it is written: until then the other slot has the only whole mark.
        let generation = self.generation.saturating_add(1);
        let [even, odd] = SLOT_OFFSETS;
        let slot = if generation.is_multiple_of(2) {
            even
        } else {
            odd
        };
        let mut apache = Vec::with_capacity(APACHE_SIZE);
        // physicMsgTimestamp, logicsMsgTimestamp, indexMsgTimestamp.
        apache.put_i64(mark.time_ms);
        apache.put_i64(logics_time_ms);
        // A file of the index with newer messages is removed by Apache's broker after a crash.
        apache.put_i64(mark.time_ms);
        let write = |offset, bytes: &[u8]| self.file.write_at(offset, bytes);
        write(slot, &encode(generation, mark))
            .and_then(|()| write(0, &apache))
            .and_then(|()| self.file.sync())
            .map_err(at("write", &self.path))?;
        self.mark = Some(mark);
        self.generation = generation;
        self.derived_time_ms = derived_time_ms;
        self.logics_time_ms = logics_time_ms;
        Ok(())
    }
}

fn encode(generation: u64, mark: Mark) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(SLOT_SIZE);
    bytes.put_u64(generation);
    bytes.put_u64(mark.log);
    bytes.put_u64(mark.derived);
    bytes.put_i64(mark.time_ms);
    bytes.put_u32(checksum(&bytes));
    bytes
}

fn decode(bytes: &[u8; SLOT_SIZE]) -> Option<(u64, Mark)> {
    let (content, mut sum) = bytes.split_at(SLOT_SIZE - 4);
    if checksum(content) != sum.get_u32() {
        return None;
    }
    let mut content = content;
    let generation = content.get_u64();
    let mark = Mark {
        log: content.get_u64(),
        derived: content.get_u64(),
        time_ms: content.get_i64(),
    };
    (generation > 0).then_some((generation, mark))
}

/// The newer of two slots.
trait Newer {
    fn max_by_generation(self, other: Self) -> Self;
}

impl Newer for Option<(u64, Mark)> {
    fn max_by_generation(self, other: Self) -> Self {
        match (self, other) {
            (Some(one), Some(two)) => Some(if two.0 > one.0 { two } else { one }),
            (one, two) => one.or(two),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::disk::{Fault, FaultyDisk};

    fn open(disk: &FaultyDisk) -> Checkpoint {
        let paths = Paths {
            root: "/s".into(),
            commit_log: "/s/commitlog".into(),
        };
        let disk: Arc<dyn Disk> = Arc::new(disk.clone());
        Checkpoint::open(&disk, &paths).unwrap()
    }

    #[test]
    fn a_damaged_slot_leaves_the_older_mark() {
        let disk = FaultyDisk::default();
        let mut checkpoint = open(&disk);
        let marks = [1, 2].map(|n| Mark {
            log: n,
            derived: n,
            time_ms: 5,
        });
        for mark in marks {
            checkpoint.save(mark, None).unwrap();
        }
        assert_eq!(open(&disk).mark(), Some(marks[1]));

        disk.damage("/s/checkpoint".as_ref(), |bytes| bytes[512 + 9] ^= 1);
        assert_eq!(open(&disk).mark(), Some(marks[0]));

        disk.damage("/s/checkpoint".as_ref(), |bytes| bytes[1024 + 9] ^= 1);
        assert_eq!(open(&disk).mark(), None);
    }

    #[test]
    fn a_mark_that_could_not_be_saved_does_not_cost_the_older_one() {
        let disk = FaultyDisk::default();
        let mut checkpoint = open(&disk);
        let [first, second] = [1, 2].map(|n| Mark {
            log: n,
            derived: n,
            time_ms: 5,
        });
        checkpoint.save(first, None).unwrap();
        disk.set_fault(Some(Fault::Full));
        checkpoint.save(second, None).unwrap_err();
        disk.set_fault(None);
        checkpoint.save(second, None).unwrap();
        assert_eq!(open(&disk).mark(), Some(second));

        disk.damage("/s/checkpoint".as_ref(), |bytes| bytes[512 + 9] ^= 1);

        assert_eq!(open(&disk).mark(), Some(first));
    }

    #[test]
    fn apaches_broker_derives_again_what_was_not_on_disk() {
        let disk = FaultyDisk::default();
        let mut checkpoint = open(&disk);
        let mut save = |end, derived, time_ms| {
            let mark = Mark {
                log: end,
                derived,
                time_ms,
            };
            checkpoint.note_end(end, time_ms);
            checkpoint.save(mark, None).unwrap();
            let file = disk.open("/s/checkpoint".as_ref()).unwrap();
            let mut times = [0; 24];
            file.read_at(0, &mut times).unwrap();
            let mut times = &times[..];
            [times.get_i64(), times.get_i64(), times.get_i64()]
        };

        assert_eq!(save(100, 0, 1_000), [1_000, 0, 1_000]);
        assert_eq!(save(200, 0, 2_000), [2_000, 0, 2_000]);
        // Up to here messages of the time 2,000 are derived, and some that came since.
        assert_eq!(save(300, 250, 3_000), [3_000, 2_000, 3_000]);
        assert_eq!(save(400, 250, 4_000), [4_000, 2_000, 4_000]);
        assert_eq!(save(400, 400, 4_000), [4_000, 4_000, 4_000]);
        assert_eq!(save(400, 50, 4_000), [4_000, 0, 4_000]);
    }
}
