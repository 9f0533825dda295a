//! The file `checkpoint`: Apache's timestamps in front, and behind them the synced mark.
//!
//! The mark is a lower bound of what is on disk. It has two slots, written in turn and checksummed,
//! so that one of them is whole whenever the power goes.

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
    /// The consume queues are, for all messages before this physical offset.
    pub(super) queues: u64,
    /// Store time of the last message before `log`, ms since 1970.
    pub(super) time_ms: i64,
}

#[derive(Debug)]
pub(super) struct Checkpoint {
    file: Box<dyn File>,
    path: std::path::PathBuf,
    mark: Option<Mark>,
    generation: u64,
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
        let mut newest: Option<(u64, Mark)> = None;
        for slot in SLOT_OFFSETS {
            let mut bytes = [0; SLOT_SIZE];
            file.read_at(slot, &mut bytes).map_err(at("read", &path))?;
            newest = newest.max_by_generation(decode(&bytes));
        }
        let generation = newest.map_or(0, |(generation, _)| generation);
        Ok(Self {
            file,
            path,
            mark: newest.map(|(_, mark)| mark),
            generation,
        })
    }

    /// The newest mark; `None` in a store that only Apache's broker has written.
    pub(super) fn mark(&self) -> Option<Mark> {
        self.mark
    }

    /// Saves a mark, and Apache's timestamps with it.
    pub(super) fn save(&mut self, mark: Mark) -> Result<(), StoreError> {
        if self.mark == Some(mark) {
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
        apache.put_i64(mark.time_ms);
        apache.put_i64(mark.time_ms);
        let write = |offset, bytes: &[u8]| self.file.write_at(offset, bytes);
        write(slot, &encode(generation, mark))
            .and_then(|()| write(0, &apache))
            .and_then(|()| self.file.sync())
            .map_err(at("write", &self.path))?;
        self.mark = Some(mark);
        self.generation = generation;
        Ok(())
    }
}

fn encode(generation: u64, mark: Mark) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(SLOT_SIZE);
    bytes.put_u64(generation);
    bytes.put_u64(mark.log);
    bytes.put_u64(mark.queues);
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
        queues: content.get_u64(),
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
            queues: n,
            time_ms: 5,
        });
        for mark in marks {
            checkpoint.save(mark).unwrap();
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
            queues: n,
            time_ms: 5,
        });
        checkpoint.save(first).unwrap();
        disk.set_fault(Some(Fault::Full));
        checkpoint.save(second).unwrap_err();
        disk.set_fault(None);
        checkpoint.save(second).unwrap();
        assert_eq!(open(&disk).mark(), Some(second));

        disk.damage("/s/checkpoint".as_ref(), |bytes| bytes[512 + 9] ^= 1);

        assert_eq!(open(&disk).mark(), Some(first));
    }
}
