//! Makes the log survive a loss of power: one sync at a time, for everything written so far.

use std::sync::atomic::Ordering;

use super::log::CommitLog;
use crate::store::error::{AppendError, at};

impl CommitLog {
    /// Syncs everything written so far; gives the end that is on disk now.
    pub(in crate::store) fn sync(&self) -> Result<u64, AppendError> {
        let _alone = self.syncing.lock();
        let end = self.written_end();
        let from = self.synced_end();
        if end == from {
            return Ok(end);
        }
        self.syncable()?;
        for segment in self.segments() {
            if segment.base + self.segment_size <= from || segment.base >= end {
                continue;
            }
            let synced = segment.file.sync();
            let synced = synced.map_err(at("sync", &self.path_of(&segment)));
            synced.map_err(|error| self.fail(error))?;
        }
        self.figures.syncs.fetch_add(1, Ordering::Relaxed);
        self.synced.fetch_max(end, Ordering::AcqRel);
        Ok(end)
    }
}
