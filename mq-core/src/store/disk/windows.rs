//! What the disk asks of Windows.

use std::fs;
use std::io;
use std::os::windows::fs::FileExt as _;
use std::path::Path;

use super::traits::Space;

pub(super) fn read_at(file: &fs::File, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.seek_read(rest, offset + done as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => done += read,
        }
    }
    Ok(())
}

pub(super) fn write_at(file: &fs::File, offset: u64, content: &[u8]) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = content.get(done..).filter(|rest| !rest.is_empty()) {
        match file.seek_write(rest, offset + done as u64)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => done += written,
        }
    }
    Ok(())
}

pub(super) fn allocate(_file: &fs::File, _offset: u64, _length: u64) -> io::Result<()> {
    Ok(())
}

pub(super) fn punch(_file: &fs::File, _offset: u64, _length: u64) -> io::Result<bool> {
    Ok(false)
}

pub(super) fn lock(file: &fs::File) -> io::Result<bool> {
    super::portable::lock(file)
}

/// Windows' own figure is not asked for: retention by age still works there.
pub(super) fn space(_path: &Path) -> io::Result<Space> {
    Ok(Space { total: 0, free: 0 })
}
