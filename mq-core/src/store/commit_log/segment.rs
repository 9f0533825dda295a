//! The files of the log, as they are found when the store is opened.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use crate::clock::Moment;
use crate::message::record::MIN_RECORD_SIZE;
use crate::store::disk::{DirectoryEntry, Disk, File};
use crate::store::error::{StoreError, at};
use crate::store::paths::{Paths, base_of};

/// One file of the log, always of full length; zeros follow the last record.
#[derive(Debug)]
pub(in crate::store) struct Segment {
    /// Offset of its first byte in the log; its name.
    pub(in crate::store) base: u64,
    pub(in crate::store) file: Box<dyn File>,
    /// When its first record came, if the store has been open since.
    pub(in crate::store) begun: OnceLock<Moment>,
}

impl Segment {
    pub(super) fn new(base: u64, file: Box<dyn File>) -> Self {
        Self {
            base,
            file,
            begun: OnceLock::new(),
        }
    }
}

/// The segments of the log, in order and without a hole.
#[derive(Debug, Default)]
pub(in crate::store) struct Segments {
    pub(in crate::store) all: Vec<Arc<Segment>>,
    /// The last one had been shortened: what is known of its messages may not be true any more.
    pub(in crate::store) shortened: bool,
}

impl Segments {
    pub(in crate::store) fn find(
        disk: &dyn Disk,
        paths: &Paths,
        segment_size: u64,
    ) -> Result<Self, StoreError> {
        let directory = &paths.commit_log;
        let mut entries = disk.list(directory).map_err(at("list", directory))?;
        entries.retain(DirectoryEntry::is_plain_file);
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let newest = entries.last().map(|entry| entry.name.clone());
        let newest_used = match &*entries {
            // The last one may have been made ahead and never used.
            [.., used, unused]
                if used.length < segment_size
                    && begins_with_zeros(disk, &directory.join(&unused.name))? =>
            {
                Some(used.name.clone())
            }
            _ => newest.clone(),
        };
        let mut found = Self::default();
        for entry in entries {
            let path = directory.join(&entry.name);
            let base = base_of(&entry.name).ok_or_else(|| StoreError::Foreign {
                path: path.clone(),
                reason: "a segment of the log is named after its offset".to_owned(),
            })?;
            let misfit = |reason: String| StoreError::Segment {
                path: path.clone(),
                reason,
            };
            if base % segment_size != 0 {
                let rule = format!("does not begin at a multiple of {segment_size} bytes");
                return Err(misfit(rule));
            }
            if let Some(last) = found.all.last() {
                let expected = last.base + segment_size;
                if base != expected {
                    return Err(StoreError::MissingSegment {
                        path: paths.segment(expected),
                    });
                }
            }
            let is_newest = newest.as_ref() == Some(&entry.name);
            let is_newest_used = newest_used.as_ref() == Some(&entry.name);
            let length = entry.length;
            if is_newest && length == 0 && segment_size > 0 {
                // Creating it was cut short.
                disk.remove(&path).map_err(at("remove", &path))?;
                continue;
            }
            let file = disk.open(&path).map_err(at("open", &path))?;
            if is_newest_used && length < segment_size {
                tracing::error!(
                    path = %path.display(),
                    length,
                    expected = segment_size,
                    "the last segment of the log was shortened: what lay behind its end is lost, the \
                     rest is served"
                );
                file.lengthen(segment_size).map_err(at("lengthen", &path))?;
                found.shortened = true;
            } else if length != segment_size {
                return Err(misfit(format!("has {length} of {segment_size} bytes")));
            }
            found.all.push(Arc::new(Segment::new(base, file)));
        }
        Ok(found)
    }
}

/// Whether no record lies at the beginning of a segment.
fn begins_with_zeros(disk: &dyn Disk, path: &Path) -> Result<bool, StoreError> {
    let mut head = [0; MIN_RECORD_SIZE];
    let file = disk.open(path).map_err(at("open", path))?;
    let length = file.length().map_err(at("open", path))?;
    let head = head
        .get_mut(
            ..usize::try_from(length)
                .unwrap_or(MIN_RECORD_SIZE)
                .min(MIN_RECORD_SIZE),
        )
        .unwrap_or_default();
    file.read_at(0, head).map_err(at("read", path))?;
    Ok(head.iter().all(|byte| *byte == 0))
}
