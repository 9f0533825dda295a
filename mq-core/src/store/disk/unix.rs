//! What the disk asks of Unix, and of Linux where that can do more.

use std::fs;
use std::io;
#[cfg(target_os = "linux")]
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::traits::Space;

pub(super) fn read_at(file: &fs::File, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    file.read_exact_at(buffer, offset)
}

/// A file system that has no such reads, or a signal, is no reason to fail either.
#[cfg(target_os = "linux")]
pub(super) fn read_cached_at(file: &fs::File, offset: u64, buffer: &mut [u8]) -> bool {
    use rustix::io::{ReadWriteFlags, preadv2};
    let length = buffer.len();
    let buffers = &mut [io::IoSliceMut::new(buffer)];
    preadv2(file, buffers, offset, ReadWriteFlags::NOWAIT) == Ok(length)
}

/// Blocks that are only reserved count as unwritten too.
#[cfg(target_os = "linux")]
pub(super) fn next_hole(file: &fs::File, offset: u64) -> io::Result<Range<u64>> {
    use rustix::fs::{SeekFrom, seek};
    use rustix::io::Errno;
    let begin = seek(file, SeekFrom::Hole(offset))?;
    let end = match seek(file, SeekFrom::Data(begin)) {
        Err(Errno::NXIO) => file.metadata()?.len(),
        end => end?,
    };
    Ok(begin..end)
}

pub(super) fn write_at(file: &fs::File, offset: u64, content: &[u8]) -> io::Result<()> {
    file.write_all_at(content, offset)
}

#[cfg(target_os = "linux")]
pub(super) fn allocate(file: &fs::File, offset: u64, length: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    match fallocate(file, FallocateFlags::KEEP_SIZE, offset, length) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) | Ok(()) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn allocate(_file: &fs::File, _offset: u64, _length: u64) -> io::Result<()> {
    Ok(())
}

/// Gives blocks back, so that they read as zeros; `false` where the system cannot.
#[cfg(target_os = "linux")]
pub(super) fn punch(file: &fs::File, offset: u64, length: u64) -> io::Result<bool> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    match fallocate(file, flags, offset, length) {
        Ok(()) => Ok(true),
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn punch(_file: &fs::File, _offset: u64, _length: u64) -> io::Result<bool> {
    Ok(false)
}

/// An open-file-description lock on Linux: Java's byte-range lock and a second opener in this
/// process are both refused by it.
pub(super) fn lock(file: &fs::File) -> io::Result<bool> {
    system_lock(file)
}

#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "the byte-range lock of an open file has no safe wrapper"
)]
fn system_lock(file: &fs::File) -> io::Result<bool> {
    use std::os::fd::AsRawFd as _;
    // SAFETY: all bytes zero is a valid `flock`.
    let mut region: libc::flock = unsafe { std::mem::zeroed() };
    region.l_type = i16::try_from(libc::F_WRLCK).unwrap_or_default();
    region.l_whence = i16::try_from(libc::SEEK_SET).unwrap_or_default();
    region.l_len = 1;
    // SAFETY: the descriptor is open and `region` outlives the call.
    let taken = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const region) };
    if taken == 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EAGAIN | libc::EACCES) => Ok(false),
        _ => Err(error),
    }
}

#[cfg(not(target_os = "linux"))]
fn system_lock(file: &fs::File) -> io::Result<bool> {
    super::portable::lock(file)
}

pub(super) fn space(path: &Path) -> io::Result<Space> {
    let about = rustix::fs::statvfs(path)?;
    let blocks = |number: u64| number.saturating_mul(about.f_frsize);
    Ok(Space::new(
        blocks(about.f_blocks),
        blocks(about.f_bfree),
        blocks(about.f_bavail),
    ))
}
