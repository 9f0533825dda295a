//! The operating system's files.

use std::fs;
use std::io;
#[cfg(target_os = "linux")]
use std::ops::Range;
use std::path::Path;
use std::time::UNIX_EPOCH;

use bytes::Bytes;

use super::traits::{DirectoryEntry, Disk, File, Lock, Space};
#[cfg(unix)]
use super::unix as system;
#[cfg(windows)]
use super::windows as system;
use crate::saved_file::{SmallFiles, SystemFiles, directory_of};

/// The operating system's files.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl SmallFiles for RealDisk {
    fn create_directories(&self, path: &Path) -> io::Result<()> {
        SystemFiles.create_directories(path)
    }

    fn read(&self, path: &Path) -> io::Result<Option<Bytes>> {
        SystemFiles.read(path)
    }

    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        SystemFiles.write(path, content)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        SystemFiles.rename(from, to)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        SystemFiles.sync_directory(path)
    }
}

impl Disk for RealDisk {
    fn list(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        let directory = match fs::read_dir(path) {
            Ok(directory) => directory,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut entries = Vec::new();
        for entry in directory {
            let entry = entry?;
            let about = entry.metadata()?;
            let modified = about
                .modified()?
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            entries.push(DirectoryEntry {
                name: entry.file_name().to_string_lossy().into_owned(),
                directory: about.is_dir(),
                length: about.len(),
                modified_ms: i64::try_from(modified.as_millis()).unwrap_or(i64::MAX),
            });
        }
        Ok(entries)
    }

    fn create(&self, path: &Path, length: u64) -> io::Result<Box<dyn File>> {
        let file = options().create_new(true).open(path)?;
        let made = file.set_len(length).and_then(|()| file.sync_all());
        if let Err(error) = made.and_then(|()| SystemFiles.sync_directory(directory_of(path))) {
            // A full disk may be tried again; half a file would be in the way.
            drop(file);
            fs::remove_file(path)?;
            return Err(error);
        }
        Ok(Box::new(RealFile { file }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        Ok(Box::new(RealFile {
            file: options().open(path)?,
        }))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let removed = match fs::symlink_metadata(path) {
            Ok(about) if about.is_dir() => fs::remove_dir_all(path),
            Ok(_) => fs::remove_file(path),
            Err(error) => Err(error),
        };
        match removed {
            Ok(()) => SystemFiles.sync_directory(directory_of(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        let file = options().create(true).truncate(false).open(path)?;
        Ok(system::lock(&file)?.then(|| Box::new(RealLock { _file: file }) as Box<dyn Lock>))
    }

    fn boot_id(&self) -> Option<String> {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let id = id.trim();
        (!id.is_empty()).then(|| id.to_owned())
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        system::space(path)
    }
}

fn options() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true);
    options
}

#[derive(Debug)]
struct RealFile {
    file: fs::File,
}

impl File for RealFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        system::read_at(&self.file, offset, buffer)
    }

    #[cfg(target_os = "linux")]
    fn read_cached_at(&self, offset: u64, buffer: &mut [u8]) -> bool {
        system::read_cached_at(&self.file, offset, buffer)
    }

    #[cfg(target_os = "linux")]
    fn next_hole(&self, offset: u64) -> Range<u64> {
        system::next_hole(&self.file, offset).unwrap_or(u64::MAX..u64::MAX)
    }

    fn write_at(&self, offset: u64, content: &[u8]) -> io::Result<()> {
        system::write_at(&self.file, offset, content)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn allocate(&self, offset: u64, length: u64) -> io::Result<()> {
        system::allocate(&self.file, offset, length)
    }

    fn zero(&self, offset: u64, length: u64) -> io::Result<()> {
        // Never by shortening the file: a crash would leave it short.
        if length == 0 || system::punch(&self.file, offset, length)? {
            return Ok(());
        }
        write_zeros(&self.file, offset, length)
    }

    fn lengthen(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.file.sync_all()
    }
}

/// Writes zeros over what is not zero. Sector by sector: beside one that was written may be others for
/// which a full disk has no room.
fn write_zeros(file: &fs::File, offset: u64, length: u64) -> io::Result<()> {
    const BLOCK: u64 = 64 * 1024;
    const SECTOR: u64 = 512;
    let end = offset + length;
    let mut block = Vec::new();
    let mut at = offset;
    while at < end {
        let block_end = (at + BLOCK).min(end);
        block.resize(usize::try_from(block_end - at).unwrap_or_default(), 0);
        system::read_at(file, at, &mut block)?;
        let mut rest = &mut block[..];
        while at < block_end {
            let sector_end = (at + 1).next_multiple_of(SECTOR).min(block_end);
            let size = usize::try_from(sector_end - at).unwrap_or_default();
            let (sector, behind) = std::mem::take(&mut rest).split_at_mut(size);
            if sector.iter().any(|byte| *byte != 0) {
                sector.fill(0);
                system::write_at(file, at, sector)?;
            }
            (at, rest) = (sector_end, behind);
        }
    }
    Ok(())
}

/// The lock goes with the file that holds it.
#[derive(Debug)]
struct RealLock {
    _file: fs::File,
}

impl Lock for RealLock {}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_second_opener_is_refused_until_the_first_lets_go() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");

        let first = RealDisk.lock(&path).unwrap();
        assert!(first.is_some());
        assert!(RealDisk.lock(&path).unwrap().is_none());

        drop(first);
        assert!(RealDisk.lock(&path).unwrap().is_some());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_machine_names_the_time_since_it_was_started() {
        let id = RealDisk.boot_id().unwrap();

        assert!(!id.is_empty() && id.trim() == id);
        assert_eq!(RealDisk.boot_id(), Some(id));
    }

    #[test]
    fn a_part_of_a_file_becomes_zeros_and_the_length_stays() {
        let directory = tempfile::tempdir().unwrap();
        let file = RealDisk.create(&directory.path().join("f"), 100).unwrap();
        file.write_at(0, &[7; 100]).unwrap();

        file.zero(40, 50).unwrap();

        let mut content = [1; 100];
        file.read_at(0, &mut content).unwrap();
        assert_eq!(content[..40], [7; 40]);
        assert_eq!(content[40..90], [0; 50]);
        assert_eq!(content[90..], [7; 10]);
        assert_eq!(file.length().unwrap(), 100);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_was_just_written_is_in_the_page_cache_and_what_lies_behind_the_end_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        RealDisk.create(&path, 8_192).unwrap();
        let file = RealDisk.open(&path).unwrap();
        file.write_at(100, &[7; 5_000]).unwrap();

        let mut content = [0; 5_000];

        assert!(file.read_cached_at(100, &mut content));
        assert_eq!(content, [7; 5_000]);
        assert!(!file.read_cached_at(8_000, &mut content));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_was_never_written_is_told_and_reserved_blocks_are_among_it() {
        const MIB: u64 = 1024 * 1024;
        let directory = tempfile::tempdir().unwrap();
        let file = RealDisk
            .create(&directory.path().join("f"), 8 * MIB)
            .unwrap();
        file.allocate(0, 4 * MIB).unwrap();
        file.write_at(3 * MIB, &[7]).unwrap();

        assert_eq!(file.next_hole(0), 0..3 * MIB);
        assert_eq!(file.next_hole(MIB), MIB..3 * MIB);
        let behind = file.next_hole(3 * MIB);
        assert!(
            behind.start > 3 * MIB && behind.start < 4 * MIB,
            "{behind:?}"
        );
        assert_eq!(behind.end, 8 * MIB);
        assert!(file.next_hole(8 * MIB).start >= 8 * MIB);
    }

    #[test]
    fn zeros_are_written_where_no_hole_can_be_made() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        fs::File::create(&path)
            .unwrap()
            .write_all(&vec![7; 200_000])
            .unwrap();
        let file = options().open(&path).unwrap();

        write_zeros(&file, 50, 199_950).unwrap();

        let content = fs::read(&path).unwrap();
        assert_eq!(content[..50], [7; 50]);
        assert!(content[50..].iter().all(|byte| *byte == 0));
    }

    /// A full disk kept a store from being opened: it had no room for zeros beside what was cut off.
    #[test]
    #[cfg(unix)]
    fn zeros_take_no_room_where_nothing_was_written() {
        use std::os::unix::fs::MetadataExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        let file = RealDisk.create(&path, 200_000).unwrap();
        file.write_at(70_000, &[7; 10]).unwrap();
        let file = options().open(&path).unwrap();
        let blocks = || file.metadata().unwrap().blocks();
        let before = blocks();

        write_zeros(&file, 100, 199_900).unwrap();

        assert_eq!(fs::read(&path).unwrap(), vec![0; 200_000]);
        assert_eq!(blocks(), before);
    }
}
