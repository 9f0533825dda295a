//! What was acknowledged, kept outside of the broker: a line per message in a file, written before
//! the producer goes on, and the same in memory for the comparison.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// One acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) topic: String,
    pub(crate) queue: i32,
    pub(crate) offset: i64,
    pub(crate) id: String,
}

/// All acknowledgements so far.
#[derive(Debug)]
pub(crate) struct Ledger {
    file: BufWriter<File>,
    entries: Vec<Entry>,
}

impl Ledger {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: BufWriter::new(File::create_new(path)?),
            entries: Vec::new(),
        })
    }

    pub(crate) fn add(&mut self, entry: Entry) -> io::Result<()> {
        let Entry {
            topic,
            queue,
            offset,
            id,
        } = &entry;
        writeln!(self.file, "{topic} {queue} {offset} {id}")?;
        self.entries.push(entry);
        Ok(())
    }

    pub(crate) fn of<'a>(&'a self, topic: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries
            .iter()
            .filter(move |entry| entry.topic == topic)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}
