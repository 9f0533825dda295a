//! Retention: whole segments go, oldest first, never the newest (`CleanCommitLogService`).
//!
//! The snapshot is written before a segment is removed: it keeps the next offsets of queues whose
//! messages then have all expired.
//!
//! A segment in which messages still wait stays until they are stored again (`needed.rs`).
//!
//! A segment cannot have become older while the store was open than the time that really passed, so
//! that a wall clock that is ahead for a moment deletes nothing.

use std::sync::Arc;
use std::time::Duration;

use super::commit_log::{Scan, Scanned, Unsynced};
use super::config::Flush;
use super::error::{StoreError, at};
use super::needed::Needed;
use super::shared::{MessageStore, StoreShared};
use crate::clock::Moment;
use crate::message::record::RecordView;

/// Segments removed in one round at most (`deleteFileBatchMax`).
const MAX_SEGMENTS_PER_ROUND: usize = 10;
/// Records of a segment that are asked for a store time that can be right.
const MAX_RECORDS_ASKED: usize = 1024;

impl MessageStore {
    /// Asks `needed` before a segment of the log is removed.
    pub fn ask_before_removal(&self, needed: Arc<dyn Needed>) {
        self.0.needed.add(needed);
    }

    /// Removes what has expired now; runs by itself every 10 s once the store runs.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub fn expire(&self) -> Result<(), StoreError> {
        self.0.while_open(StoreShared::expire)
    }

    /// As [`expire`](Self::expire), also outside the hours in which expired segments are removed.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub fn expire_at_any_hour(&self) -> Result<(), StoreError> {
        self.0.while_open(|store| store.expire_when(Hours::Any))
    }

    /// Removes the files of consume queues and of the index whose messages are all gone from the log,
    /// which otherwise happens when a segment of the log is removed.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub fn drop_derived_of_removed(&self) -> Result<(), StoreError> {
        self.0.while_open(|store| {
            let _alone = store.expiring.lock();
            store.derived.drop_before(store.log.begin())
        })
    }
}

/// When expired segments are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hours {
    /// In the hours of the settings.
    Configured,
    /// Now.
    Any,
}

impl StoreShared {
    pub(super) fn expire(&self) -> Result<(), StoreError> {
        self.expire_when(Hours::Configured)
    }

    fn expire_when(&self, hours: Hours) -> Result<(), StoreError> {
        let _alone = self.expiring.lock();
        let retention = &self.config.retention;
        let directory = &self.paths.commit_log;
        let used = self
            .disk
            .space(directory)
            .map_err(at("measure", directory))?
            .used_ratio();
        self.log.refuse_for_space(used >= retention.refuse_used);
        let hour = retention.zone.hour_at(self.clock.now_ms());
        let in_hours =
            hours == Hours::Any || hour.is_some_and(|hour| retention.hours.contains(&hour));
        let forced = used >= retention.force_used;
        if !in_hours && used < retention.max_used {
            return Ok(());
        }
        let mut removed = false;
        for _segment in 0..MAX_SEGMENTS_PER_ROUND {
            if !forced && !self.first_segment_is_old()? {
                break;
            }
            if !self.first_segment_is_released() {
                break;
            }
            // What was stored again because of it may not be on disk yet.
            if self.log.flush != Flush::Sync {
                self.sync_log()?;
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
            self.derived.drop_before(begin)?;
            tracing::info!(begin, "expired segments were removed");
        }
        Ok(())
    }

    /// Whether nothing in the first segment waits. The newest one never goes, so nobody is asked for it.
    fn first_segment_is_released(&self) -> bool {
        match self.log.segments().as_slice() {
            [first, _, ..] => self.needed.releases(first.base + self.log.segment_size),
            _ => true,
        }
    }

    /// A segment is as old as the first record of the next one, or of a later one when that was
    /// stored by a clock that was ahead. It is no older than its own first record says: the clock
    /// may have been behind since.
    fn first_segment_is_old(&self) -> Result<bool, StoreError> {
        let segments = self.log.segments();
        let Some((first, later)) = segments.split_first() else {
            return Ok(false);
        };
        for segment in later {
            if let Some(stored) = self.plausible_time_behind(segment.base)? {
                let begun = self.plausible_time_behind(first.base)?;
                let stored = begun.map_or(stored, |begun| begun.max(stored));
                return Ok(
                    self.age(stored, segment.begun.get().copied()) >= self.config.retention.keep
                );
            }
        }
        Ok(false)
    }

    /// How old a record is that was stored at `stored` in a segment that was `begun` since the store
    /// was opened, or before.
    fn age(&self, stored: i64, begun: Option<Moment>) -> Duration {
        let since_stored = |wall_ms: i64| {
            let age = wall_ms.saturating_sub(stored);
            Duration::from_millis(u64::try_from(age).unwrap_or(0))
        };
        let opened = self.opened;
        let (then, begun) = match begun {
            Some(begun) => (Duration::ZERO, begun),
            None => (since_stored(opened.wall_ms), opened.moment),
        };
        let passed = self.clock.moment().since(begun);
        since_stored(self.clock.now_ms()).min(then.saturating_add(passed))
    }

    /// The store time of the first record from `base` on that does not lie in the future.
    fn plausible_time_behind(&self, base: u64) -> Result<Option<i64>, StoreError> {
        let now_ms = self.clock.now_ms();
        let mut scan = Scan::new(&self.log, base, self.log.visible_end(), Unsynced::Kept);
        for _record in 0..MAX_RECORDS_ASKED {
            match scan.next()? {
                Scanned::Record(bytes) => {
                    let time = RecordView::parse(&bytes).map(|record| record.store_timestamp);
                    if let Ok(stored) = time
                        && stored <= now_ms
                    {
                        return Ok(Some(stored));
                    }
                }
                // The next one tells as well.
                Scanned::Damaged { .. } => {}
                Scanned::End(_) => break,
            }
        }
        Ok(None)
    }
}
