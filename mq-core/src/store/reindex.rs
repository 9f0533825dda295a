//! Messages whose keys are neither in memory nor in a file, because they found no room while the index
//! could not be written, or because the snapshot of those that waited for it cannot be used: they are
//! read from the log again.

use super::commit_log::{Scan, Scanned, Unsynced};
use super::derived::StoredRecord;
use super::error::StoreError;
use super::facts::MessageFacts;
use super::index::DroppedKeys;
use super::shared::StoreShared;
use crate::message::TopicName;
use crate::message::record::RecordView;

impl StoreShared {
    /// Indexes the messages that were passed over. What remains when memory is full again is done in
    /// the next round.
    pub(super) fn index_dropped(&self) -> Result<(), StoreError> {
        if self.index.dropped().is_none() {
            return Ok(());
        }
        {
            // Records are applied under this lock: none lies between the end and the next to be taken.
            let _tail = self.log.tail.lock();
            self.index.take_from(self.log.written_end());
        }
        let Some(dropped) = self.index.dropped() else {
            return Ok(());
        };
        let DroppedKeys { part, why } = dropped;
        let from = part.start.max(self.log.begin());
        tracing::warn!(
            from,
            to = part.end,
            %why,
            "the keys of messages between these physical offsets are read from the log again"
        );
        let mut scan = Scan::new(&self.log, from, self.log.synced_end(), Unsynced::Kept);
        while scan.at() < part.end {
            match scan.next()? {
                Scanned::Record(bytes) => {
                    let Ok(record) = RecordView::parse(&bytes) else {
                        continue;
                    };
                    if !self.index_again(&record)? {
                        return Ok(());
                    }
                }
                Scanned::Damaged { .. } => {}
                Scanned::End(_) => break,
            }
        }
        self.index.caught_up(part.end);
        Ok(())
    }

    /// `false` when there is no room.
    fn index_again(&self, record: &RecordView<'_>) -> Result<bool, StoreError> {
        let Ok(topic) = TopicName::new(record.topic.to_owned()) else {
            return Ok(true);
        };
        let facts = MessageFacts::of_record(record, &self.config);
        let record = StoredRecord::replayed(record, &topic, &facts);
        self.index.catch_up(&record)
    }
}
