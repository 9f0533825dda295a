//! Brings what is derived from the log up to the log at a start, and finds the end of the log.
//!
//! After a clean end nothing is walked: the checkpoint says that all is complete, and the snapshot
//! how long every queue must be. After anything else the log is walked from the mark of what is
//! derived on; queues that are missing or too short are all built again, and all else with them.

use std::sync::atomic::Ordering;

use super::checkpoint::Mark;
use super::commit_log::{Scan, Scanned, Unsynced};
use super::consume_queue::QueueEntry;
use super::derived::StoredRecord;
use super::error::StoreError;
use super::facts::MessageFacts;
use super::shared::StoreShared;
use super::snapshot::Snapshot;
use crate::message::record::{MIN_RECORD_SIZE, RecordView};
use crate::message::{PhysicalOffset, TopicName};

/// What opening found out and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Whether the store had been closed in order.
    pub clean: bool,
    /// Records walked.
    pub walked: u64,
    /// Damaged parts that were set aside, from and to.
    pub damaged: Vec<(PhysicalOffset, PhysicalOffset)>,
    /// The part behind the end that was cut off although it held valid records, from and to.
    pub cut: Option<(PhysicalOffset, PhysicalOffset)>,
    /// Whether all consume queues were built again.
    pub rebuilt: bool,
    /// Where the log ends.
    pub end: PhysicalOffset,
}

/// What the store's files say before anything is read of the log.
pub(super) struct FoundFiles {
    /// The store was closed in order.
    pub(super) clean: bool,
    /// What became of writes that no sync covered.
    pub(super) unsynced: Unsynced,
    /// The last segment lacked bytes.
    pub(super) shortened: bool,
    pub(super) snapshot: Snapshot,
}

/// The recovery of a store that is being opened.
pub(super) struct Recovery<'a> {
    store: &'a StoreShared,
    found: &'a FoundFiles,
    /// The mark that the last run saved; Apache's broker keeps none.
    known: Option<Mark>,
    walk: Walk,
    report: RecoveryReport,
}

/// How far the log was walked, and what that says of the queues.
#[derive(Default)]
struct Walk {
    /// Where the walk began.
    from: u64,
    /// Where the log ends.
    end: u64,
    /// Bytes of the log whose records are unknown: damaged parts, and what retention removed before it
    /// was derived, between the mark and the log's beginning. So many records at most can be missing
    /// between two queue offsets.
    lost: u64,
    /// A record did not follow what its queue held.
    is_wrong: bool,
}

impl RecoveryReport {
    pub(super) fn tell(&self) {
        if !self.clean {
            tracing::warn!(
                records = self.walked,
                end = %self.end,
                "the last run was not stopped in order, the store has been recovered"
            );
        }
        for (from, to) in &self.damaged {
            tracing::error!(%from, %to, "a damaged part of the log was set aside");
        }
        if let Some((from, to)) = self.cut {
            tracing::error!(
                %from,
                %to,
                "the machine went down while a record was being written, or the record is damaged: \
                 the log ends there, and valid records behind it were cut off"
            );
        }
    }
}

impl<'a> Recovery<'a> {
    pub(super) fn new(store: &'a StoreShared, found: &'a FoundFiles) -> Self {
        Self {
            store,
            found,
            known: store.checkpoint.lock().mark(),
            walk: Walk::default(),
            report: RecoveryReport::default(),
        }
    }

    pub(super) fn run(mut self) -> Result<RecoveryReport, StoreError> {
        let store = self.store;
        let (begin, limit) = (store.log.begin(), store.log.limit());
        let whole = store.derived.load(self.trusted(), &(begin..limit))?;
        // Without a mark the old files still tell the offsets of queues whose messages have expired.
        let old_queues = match self.known {
            Some(_) => Vec::new(),
            None => store.queues.all(),
        };
        let mark = self.mark();
        if mark.log.max(mark.derived) > limit {
            tracing::warn!(known = mark.log, limit, "the log is shorter than it was");
        }
        // Queues with entries for physical offsets behind the log are of no use.
        let complete = whole && !self.found.shortened && self.queues_are_complete();
        let from = Some(self.walk_from()).filter(|from| complete && *from <= limit);
        match from {
            Some(from) => self.walk(from)?,
            None => self.rebuild()?,
        }
        if !self.report.rebuilt && self.contradicts() {
            tracing::warn!("the consume queues do not fit the log: they are built again from it");
            self.rebuild()?;
        }
        let old_next = old_queues
            .into_iter()
            .map(|(topic, id, old)| (topic, id, old.next()));
        let end = self.walk.end;
        for (topic, id, next) in self.found.snapshot.used_queues().chain(old_next) {
            if next <= most_records(end) {
                self.go_on_at(&topic, id, next);
            }
        }
        if !self.found.clean || end != mark.log {
            self.report.cut = self.set_aside_tail()?;
            store.log.cut(end, mark.log)?;
        }
        store.log.remove_behind(end)?;
        store.log.set_end(end);
        store.log.tail.lock().set_last_timestamp(mark.time_ms);
        store.derived.drop_before(begin)?;
        let synced = self.walk.from.min(end);
        if self.found.clean {
            // Apache's broker may have had the store: then what we last noted of it ends before.
            store.derived.sync(synced)?;
        }
        store.derived_synced.store(synced, Ordering::Release);
        self.report.end = PhysicalOffset(end);
        Ok(self.report)
    }

    /// The mark, or one that says of nothing that it is on disk.
    fn mark(&self) -> Mark {
        self.known.unwrap_or_default()
    }

    /// Before which physical offset the files of what is derived can be relied on.
    fn trusted(&self) -> u64 {
        let begin = self.store.log.begin();
        match self.known {
            // Everything is complete after a clean end, also after one of Apache's broker.
            _ if self.found.clean => u64::MAX,
            Some(mark) => mark.derived.max(begin),
            None => begin,
        }
    }

    /// Removes what is derived. Should that be cut short, the next start does not take what is left
    /// for all there was.
    fn clear_derived(&self) -> Result<(), StoreError> {
        if self.found.clean {
            self.store.say_open()?;
        }
        if let Some(mark) = self.known {
            let derived = self.store.log.begin();
            self.store
                .checkpoint
                .lock()
                .save(Mark { derived, ..mark }, None)?;
        }
        self.store.derived.clear()
    }

    /// Copies what lies behind the end if it holds records; gives the part. A copy that cannot be
    /// made stands in nobody's way.
    fn set_aside_tail(&self) -> Result<Option<(PhysicalOffset, PhysicalOffset)>, StoreError> {
        let end = self.walk.end;
        let log = &self.store.log;
        let Some(to) = log.records_behind(end)? else {
            return Ok(None);
        };
        let path = self.store.paths.cut_off(end);
        match log.copy(end, to, &path) {
            Ok(()) => tracing::warn!(path = %path.display(), "what is cut off the log was copied"),
            Err(error) => tracing::error!(%error, "what is cut off the log could not be copied"),
        }
        Ok(Some((PhysicalOffset(end), PhysicalOffset(to))))
    }

    /// Whether what the queue files hold can be relied on up to the physical offset from which the log is
    /// walked.
    fn queues_are_complete(&self) -> bool {
        let queues = self.store.queues.all();
        if queues.is_empty() {
            return self.store.log.segments().is_empty();
        }
        if !self.found.clean {
            return self.known.is_some();
        }
        // Of a store that Apache's broker closed, the snapshot may be older than the queues.
        let snapshot = &self.found.snapshot;
        snapshot.next_offsets.iter().all(|(topic, ids)| {
            ids.iter().all(|(id, next)| {
                self.store
                    .queues
                    .find(topic, *id)
                    .map_or(*next == 0, |queue| queue.next() >= *next)
                    || self.has_expired(topic, *id)
            })
        })
    }

    /// Whether nothing of a queue is left in the log, as far as its files know. They may lack the last
    /// messages, when these expired before their entries were stored.
    fn has_expired(&self, topic: &str, id: i32) -> bool {
        let begin = self.store.log.begin();
        let queue = self.store.queues.find(topic, id);
        begin > 0 && queue.is_none_or(|queue| !queue.reaches(begin))
    }

    /// Lets a queue whose newest messages have expired, or are damaged, go on with the offset it had.
    /// Where messages are simply gone, their offsets are given again: a gap between whole records
    /// would make the next walk set aside what lies behind it.
    fn go_on_at(&self, topic: &TopicName, id: i32, next: u64) {
        let store = self.store;
        let begin = store.log.begin();
        let lost = most_records(self.walk.lost);
        let queue = store.queues.find_or_create(topic, id);
        if next.saturating_sub(queue.next()) <= lost || !queue.reaches(begin) {
            store.queues.advance_to(&queue, next, begin);
        }
    }

    fn walk_from(&self) -> u64 {
        let store = self.store;
        let begin = store.log.begin();
        let ends = store.queues.all().into_iter().filter_map(|(_, _, queue)| {
            let last = queue.next().checked_sub(1)?;
            let entry = queue.read(&*store.disk, last, 1).ok()?.first().copied()?;
            let is_gone = entry.end() <= begin;
            let fits = is_gone || store.fits(&queue, last, &entry).ok()?;
            // A damaged end may be anywhere, and so may that of the log be: behind every limit.
            Some(if fits { entry.end() } else { u64::MAX })
        });
        match (self.found.clean, self.known) {
            (true, _) => ends.max().unwrap_or(begin),
            (false, Some(mark)) => mark.derived,
            (false, None) => begin,
        }
    }

    /// Walks the whole log into queues, an index and all else that are built again.
    fn rebuild(&mut self) -> Result<(), StoreError> {
        self.clear_derived()?;
        self.walk(self.store.log.begin())?;
        self.report.rebuilt = true;
        Ok(())
    }

    /// Walks the log to its end, `from` a physical offset on, and applies every record.
    fn walk(&mut self, from: u64) -> Result<(), StoreError> {
        let store = self.store;
        let begin = store.log.begin();
        self.report = RecoveryReport {
            clean: self.found.clean,
            ..RecoveryReport::default()
        };
        self.walk = Walk {
            from,
            end: begin,
            lost: begin.saturating_sub(from),
            is_wrong: false,
        };
        let mark = self.mark().log;
        let mut scan = Scan::new(&store.log, from.max(begin), mark, self.found.unsynced);
        loop {
            match scan.next()? {
                Scanned::Record(bytes) => {
                    self.report.walked += 1;
                    if let Ok(record) = RecordView::parse(&bytes) {
                        self.walk_past(&record);
                    }
                }
                Scanned::Damaged { from, to } => {
                    self.walk.lost += to - from;
                    let part = (PhysicalOffset(from), PhysicalOffset(to));
                    self.report.damaged.push(part);
                }
                Scanned::End(end) => {
                    self.walk.end = end;
                    return Ok(());
                }
            }
        }
    }

    fn walk_past(&mut self, record: &RecordView<'_>) {
        let size = record.size as u64;
        match self.replay(record) {
            Replayed::Fitting => {}
            Replayed::Doubtful => self.walk.lost += size,
            Replayed::Wrong => {
                let from = record.physical_offset;
                self.walk.lost += size;
                self.walk.is_wrong = true;
                self.report.damaged.push((from, from.plus(size)));
            }
        }
    }

    /// Whether what was walked does not fit what the queue files hold, or they hold less than the
    /// snapshot knows of.
    fn contradicts(&self) -> bool {
        let begin = self.store.log.begin();
        let Walk { end, lost, .. } = self.walk;
        let lacks = |(topic, id, next): (TopicName, i32, u64)| {
            let queue = self.store.queues.find(topic.as_str(), id);
            next <= most_records(end)
                && queue.is_some_and(|queue| {
                    let missing = next.saturating_sub(queue.next());
                    queue.reaches(begin) && missing > most_records(lost)
                })
        };
        self.walk.is_wrong || self.found.snapshot.used_queues().any(lacks)
    }

    /// Applies a record, unless its queue offset does not fit between its neighbors'. As many offsets
    /// in front of it may be missing as records were lost.
    fn replay(&self, record: &RecordView<'_>) -> Replayed {
        let store = self.store;
        let offset = record.physical_offset.0;
        if self.found.snapshot.is_deleted(record.topic, offset) {
            return Replayed::Fitting;
        }
        let mut tail = store.log.tail.lock();
        tail.set_last_timestamp(record.store_timestamp);
        drop(tail);
        let Ok(topic) = TopicName::new(record.topic.to_owned()) else {
            return Replayed::Wrong;
        };
        let facts = MessageFacts::of_record(record, &store.config);
        let replayed = if facts.has_queue_entry {
            self.advance_queue_to(&topic, record)
        } else {
            Replayed::Doubtful
        };
        if !matches!(replayed, Replayed::Wrong) {
            let record = StoredRecord::replayed(record, &topic, &facts);
            store.derived.apply(&[record]);
        }
        replayed
    }

    /// Lets the queue of a record go up to the offset that the record says, if that can be.
    fn advance_queue_to(&self, topic: &TopicName, record: &RecordView<'_>) -> Replayed {
        let store = self.store;
        let offset = record.physical_offset.0;
        let queue = store.queues.find_or_create(topic, record.queue_id);
        let (queue_offset, next) = (record.queue_offset.0, queue.next());
        if queue_offset < next {
            let known = queue.read(&*store.disk, queue_offset, 1);
            let same = |entry: &QueueEntry| entry.offset == offset;
            return match known {
                Ok(known) if known.first().is_some_and(same) => Replayed::Fitting,
                _ => Replayed::Wrong,
            };
        }
        let (gap, lost) = (queue_offset - next, most_records(self.walk.lost));
        // The next offset of a queue whose messages have all expired may be in no file.
        let begin = store.log.begin();
        if queue_offset > most_records(offset) || gap > lost && queue.reaches(begin) {
            return Replayed::Wrong;
        }
        store.queues.advance_to(&queue, queue_offset, begin);
        if gap > lost {
            Replayed::Doubtful
        } else {
            Replayed::Fitting
        }
    }
}

/// What became of a record that was read again.
enum Replayed {
    /// It follows its neighbors.
    Fitting,
    /// It may belong into another queue, where its queue offset is missing then: no checksum covers
    /// topic, queue and flags.
    Doubtful,
    /// Its queue offset cannot be.
    Wrong,
}

/// No more records than this fit into so many bytes: what bounds the queue offsets that a damaged
/// file may tell.
fn most_records(bytes: u64) -> u64 {
    bytes / MIN_RECORD_SIZE as u64
}
