//! Ends the log at a physical offset after a start.
//!
//! Records behind a missing sector were never acknowledged in sync mode, but somebody may want to look
//! at them: before they are cut off they are copied into a file beside the log.

use std::path::Path;

use super::log::CommitLog;
use super::recover::{Scan, Scanned, Unsynced};
use crate::store::disk::File;
use crate::store::error::{StoreError, at};

/// Bytes copied at once.
const COPY_STEP: u64 = 1024 * 1024;

impl CommitLog {
    /// Makes everything from `end` on zeros: later segments go, and the tail of this one. What lies
    /// between `mark` and `end` is synced.
    pub(in crate::store) fn cut(&self, end: u64, mark: u64) -> Result<(), StoreError> {
        self.remove_behind(end)?;
        let segments = self.segments();
        if let Some(last) = segments.last() {
            let inside = end.saturating_sub(last.base).min(self.segment_size);
            let cut = last.file.zero(inside, self.segment_size - inside);
            cut.map_err(at("cut", &self.path_of(last)))?;
        }
        let last = segments.len().saturating_sub(1);
        for (n, segment) in segments.iter().enumerate() {
            // A process that was killed may have left more than the last one unsynced.
            if n == last || segment.base + self.segment_size > mark {
                let synced = segment.file.sync();
                synced.map_err(at("sync", &self.path_of(segment)))?;
            }
        }
        Ok(())
    }

    /// Removes the segments, but for the first, that begin at `end` or behind.
    pub(in crate::store) fn remove_behind(&self, end: u64) -> Result<(), StoreError> {
        let mut segments = self.segments.write();
        while let [_, .., last] = segments.as_slice()
            && last.base >= end
        {
            let path = self.paths.segment(last.base);
            segments.pop();
            self.disk.remove(&path).map_err(at("remove", &path))?;
        }
        drop(segments);
        Ok(())
    }

    /// Where the last valid record behind `end` ends; `None` when there is none.
    pub(in crate::store) fn records_behind(&self, end: u64) -> Result<Option<u64>, StoreError> {
        let mut scan = Scan::new(self, end, end, Unsynced::Kept);
        let mut last = None;
        loop {
            match scan.next()? {
                Scanned::Record(_) => last = Some(scan.at),
                Scanned::Damaged { .. } => {}
                Scanned::End(_) => return Ok(last),
            }
        }
    }

    /// Copies a part of the log into the new file `path`.
    pub(in crate::store) fn copy(&self, from: u64, to: u64, path: &Path) -> Result<(), StoreError> {
        let disk = &self.disk;
        let directory = path.parent().unwrap_or(path);
        let made = disk.create_directories(directory);
        made.map_err(at("create", directory))?;
        disk.remove(path).map_err(at("remove", path))?;
        let copy = disk.create(path, to - from).map_err(at("create", path))?;
        self.copy_into(&*copy, from..to, path)?;
        copy.sync().map_err(at("sync", path))
    }

    fn copy_into(
        &self,
        copy: &dyn File,
        part: std::ops::Range<u64>,
        path: &Path,
    ) -> Result<(), StoreError> {
        let mut from = part.start;
        while from < part.end {
            let in_segment = self.segment_size - from % self.segment_size;
            let step = (part.end - from).min(in_segment).min(COPY_STEP);
            let mut bytes = vec![0; usize::try_from(step).unwrap_or(0)];
            self.read(from, &mut bytes)?;
            let written = copy.write_at(from - part.start, &bytes);
            written.map_err(at("write", path))?;
            from += step;
        }
        Ok(())
    }
}
