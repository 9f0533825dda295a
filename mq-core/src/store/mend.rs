//! Entries of a consume queue that do not lead to their message: it is looked for in the log, given
//! all the same, and the entry is written again.
//!
//! The log decides: an entry fits if the record where it points is whole and says that it has this
//! topic, queue and queue offset, and this tag.

use super::commit_log::{Scan, Scanned, Unsynced};
use super::consume_queue::{Queue, QueueEntry};
use super::error::StoreError;
use super::facts::{MessageFacts, has_queue_entry};
use super::shared::StoreShared;
use crate::message::record::RecordView;

impl StoreShared {
    /// The entry at the queue offset `index` as it must be; `None` when there is none, or the log has no
    /// record for it.
    pub(super) fn sound_entry(
        &self,
        queue: &Queue,
        index: u64,
    ) -> Result<Option<QueueEntry>, StoreError> {
        let entry = queue.read(&*self.disk, index, 1)?.first().copied();
        match entry {
            Some(entry) if !entry.is_hole() && !self.fits(queue, index, &entry)? => {
                self.mend(queue, index)
            }
            entry => Ok(entry),
        }
    }

    /// Looks in the log for the message at the queue offset `index`, whose entry does not fit, and writes
    /// the entry again; so with those behind it, up to the first that fits. `None` when the log does
    /// not have the message: then its record was damaged.
    pub(super) fn mend(&self, queue: &Queue, index: u64) -> Result<Option<QueueEntry>, StoreError> {
        let mut lost = queue.lost();
        if lost.iter().any(|offsets| offsets.contains(&index)) {
            return Ok(None);
        }
        let old = queue.read(&*self.disk, index, 1)?.first().copied();
        if let Some(old) = old
            && self.fits(queue, index, &old)?
        {
            // Another reader was faster.
            return Ok(Some(old));
        }
        let end = self.log.visible_end();
        let from = self.end_before(queue, index)?;
        let mut scan = Scan::new(&self.log, from, end, Unsynced::Kept);
        let (mut found, mut mended, mut behind) = (None, 0_u64, queue.next());
        while scan.at() < end {
            let bytes = match scan.next()? {
                Scanned::Record(bytes) => bytes,
                Scanned::Damaged { .. } => continue,
                Scanned::End(_) => break,
            };
            let record = RecordView::parse(&bytes);
            let Some(record) = record.ok().filter(|record| self.is_of(queue, record)) else {
                continue;
            };
            let offset = record.queue_offset.0;
            let known = queue.read(&*self.disk, offset, 1)?.first().copied();
            let Some(known) = known.filter(|_| offset >= index) else {
                continue;
            };
            if self.fits(queue, offset, &known)? {
                behind = offset;
                break;
            }
            let right = QueueEntry {
                offset: record.physical_offset.0,
                size: u32::try_from(record.size).unwrap_or(u32::MAX),
                tag: MessageFacts::of_record(&record, &self.config)
                    .tag_code(record.store_timestamp),
            };
            match self.queues.rewrite(queue, offset, right) {
                Ok(()) => mended += 1,
                Err(error) => self.report_not_rewritten(&error),
            }
            if offset == index {
                found = Some(right);
            } else if found.is_none() {
                // The next queue offset is there, this one is not.
                behind = offset;
                break;
            }
        }
        if mended > 0 {
            let path = queue.file_of(index).0;
            tracing::error!(
                path = %path.display(),
                queue_offset = index,
                entries = mended,
                "entries of a consume queue were damaged: their messages were found in the log, and \
                 they were written again"
            );
        }
        if found.is_none() {
            lost.push(index..behind);
        }
        Ok(found)
    }

    /// No end of this is logged, because entries elsewhere may still not be writable.
    fn report_not_rewritten(&self, error: &StoreError) {
        let trouble = "an entry of a consume queue cannot be written again";
        if let Some(untold) = self.log.troubles.begin(trouble) {
            tracing::error!(
                %error,
                untold,
                "the entry of a consume queue could not be written again"
            );
        }
    }

    /// Where the walk for the message at the queue offset `index` begins: behind the nearest message
    /// before it whose entry fits.
    fn end_before(&self, queue: &Queue, index: u64) -> Result<u64, StoreError> {
        for before in (queue.min()..index).rev() {
            let entry = queue.read(&*self.disk, before, 1)?.first().copied();
            if let Some(entry) = entry
                && self.fits(queue, before, &entry)?
            {
                return Ok(entry.end());
            }
        }
        Ok(self.log.begin())
    }

    /// Whether a record must have an entry in the queue.
    fn is_of(&self, queue: &Queue, record: &RecordView<'_>) -> bool {
        let is_deleted = |offset| self.deletions.is_deleted(record.topic, offset);
        queue.is_of(record.topic, record.queue_id)
            && has_queue_entry(record.sys_flag)
            && !is_deleted(record.physical_offset.0)
    }
}
