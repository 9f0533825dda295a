//! Makes the log survive a loss of power: one sync at a time, for everything written so far.

use std::sync::atomic::Ordering;

use super::log::CommitLog;
use crate::store::error::AppendError;

impl CommitLog {
    /// Syncs everything written so far; gives the end that is on disk now.
    pub(in crate::store) fn sync(&self) -> Result<u64, AppendError> {
        let _alone = self.syncing.lock();
        let end = self.written_end();
        let from = self.synced_end();
        if end == from {
            return Ok(end);
        }
        if let Err(AppendError::Closed(reason)) = self.writable() {
            return Err(AppendError::Closed(reason));
        }
        for segment in self.segments() {
            if segment.base + self.segment_size <= from || segment.base >= end {
                continue;
            }
            if let Err(error) = segment.file.sync() {
                let reason = format!(
                    "could not sync `{}`: {error}",
                    self.path_of(&segment).display()
                );
                tracing::error!("{reason}; the store takes no more writes");
                self.close(&reason);
                return Err(AppendError::Closed(reason));
            }
        }
        self.figures.syncs.fetch_add(1, Ordering::Relaxed);
        self.synced.fetch_max(end, Ordering::AcqRel);
        Ok(end)
    }
}
