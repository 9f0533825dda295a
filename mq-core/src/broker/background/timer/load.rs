//! Fills the table at a start: from the consume queue, whose entries hold the times.

use std::ops::Range;

use super::progress::TimerProgress;
use super::table::TimerTable;
use crate::message::QueueOffset;
use crate::store::{MessageStore, StoreError, TIMER_TOPIC};

/// Entries that are read at once.
const ENTRIES: usize = 16 * 1024;

/// Adds what waits of the messages with these queue offsets. They are taken from `left`, so that after an
/// error those that are left can be added.
pub(super) fn load(
    store: &MessageStore,
    table: &TimerTable,
    progress: &TimerProgress,
    left: &mut Range<u64>,
) -> Result<(), StoreError> {
    while left.start < left.end {
        let first = store.min_offset(TIMER_TOPIC, 0).0.max(progress.least);
        left.start = left.start.max(first);
        let tags = store.tag_codes(TIMER_TOPIC, 0, QueueOffset(left.start), ENTRIES)?;
        if tags.is_empty() {
            // Retention was faster, or the queue is shorter than it was.
            left.start += 1;
        }
        for (tag, offset) in tags.into_iter().zip(left.by_ref()) {
            if progress.is_pending(offset, tag.saturating_abs()) {
                table.put(offset, tag);
            }
        }
    }
    Ok(())
}
