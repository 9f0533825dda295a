//! Retention: whole segments go, oldest first, never the newest (`CleanCommitLogService`).
//!
//! The snapshot is written before a segment is removed: it keeps the numbers of queues whose
//! messages then have all expired.

use super::commit_log::{Found, Scan};
use super::{Inner, MessageStore, StoreError, at};
use crate::message::record::RecordView;

/// Segments removed in one round at most (`deleteFileBatchMax`).
const BATCH: usize = 10;

impl MessageStore {
    /// Removes what has expired now; runs by itself every 10 s once the store runs.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub fn expire(&self) -> Result<(), StoreError> {
        self.0.while_open(Inner::expire)
    }
}

impl Inner {
    pub(super) fn expire(&self) -> Result<(), StoreError> {
        let retention = &self.config.retention;
        let directory = &self.paths.commit_log;
        let used = self
            .disk
            .space(directory)
            .map_err(at("measure", directory))?
            .used_ratio();
        self.log.refuse_for_space(used >= retention.refuse_used);
        let hour = retention.zone.hour_at(self.clock.now_ms());
        let in_hours = hour.is_some_and(|hour| retention.hours.contains(&hour));
        let forced = used >= retention.force_used;
        if !in_hours && used < retention.max_used {
            return Ok(());
        }
        let mut removed = false;
        for _segment in 0..BATCH {
            if !forced && !self.first_segment_is_old()? {
                break;
            }
            if !removed {
                self.save_snapshot()?;
            }
            if self.log.remove_first()?.is_none() {
                break;
            }
            removed = true;
        }
        if removed {
            let begin = self.log.begin();
            self.queues.drop_before(begin)?;
            self.index.drop_before(begin)?;
            tracing::info!(begin, "expired segments were removed");
        }
        Ok(())
    }

    /// A segment is as old as the first record of the next one.
    fn first_segment_is_old(&self) -> Result<bool, StoreError> {
        let segments = self.log.segments();
        let Some(next) = segments.get(1) else {
            return Ok(false);
        };
        let mut scan = Scan::new(&self.log, next.base, self.log.visible_end());
        let stored = loop {
            match scan.next()? {
                Found::Record(bytes) => {
                    let record = RecordView::parse(&bytes);
                    break record.map_or(i64::MAX, |record| record.store_timestamp);
                }
                // The next one tells as well.
                Found::Damaged { .. } => {}
                Found::End(_) => return Ok(false),
            }
        };
        let keep = i64::try_from(self.config.retention.keep.as_millis()).unwrap_or(i64::MAX);
        Ok(self.clock.now_ms().saturating_sub(stored) >= keep)
    }
}
