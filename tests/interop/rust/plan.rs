//! The messages to send: a table, and a file with their bodies one after the other.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) index: String,
    pub(crate) offset: u64,
    pub(crate) size: usize,
    pub(crate) key: String,
    pub(crate) tag: String,
    pub(crate) shard: String,
    pub(crate) color: String,
}

impl Entry {
    fn of(line: &str) -> Option<Self> {
        let mut parts = line.split('\t');
        let mut next = || parts.next().map(str::to_owned);
        Some(Self {
            index: next()?,
            offset: next()?.parse().ok()?,
            size: next()?.parse().ok()?,
            key: next()?,
            tag: next()?,
            shard: next()?,
            color: next()?,
        })
    }
}

/// What a program is given to send.
#[derive(Debug)]
pub(crate) struct Plan {
    bodies: File,
    pub(crate) entries: Vec<Entry>,
}

impl Plan {
    pub(crate) fn read(directory: &Path) -> io::Result<Self> {
        let table = fs::read_to_string(directory.join("table"))?;
        let entries: Option<_> = table.lines().map(Entry::of).collect();
        let strange =
            || io::Error::new(io::ErrorKind::InvalidData, "a line of the table is strange");
        Ok(Self {
            bodies: File::open(directory.join("bodies"))?,
            entries: entries.ok_or_else(strange)?,
        })
    }

    pub(crate) fn body(&self, entry: &Entry) -> io::Result<Vec<u8>> {
        let mut body = vec![0; entry.size];
        self.bodies.read_exact_at(&mut body, entry.offset)?;
        Ok(body)
    }
}
