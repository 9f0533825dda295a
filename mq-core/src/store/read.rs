//! Reading: what lies in a queue from a queue offset on, and where in a queue a time is.

use bytes::{Bytes, BytesMut};

use super::consume_queue::{Queue, QueueEntry};
use super::disk::DiskWait;
use super::error::StoreError;
use super::shared::{MessageStore, StoreShared};
use crate::message::record::{MAGIC_V1, MAGIC_V2, RecordView};
use crate::message::subscription::Filter;
use crate::message::{PhysicalOffset, QueueOffset};

/// Entries looked at in one read when a filter lets none through (`maxFilterMessageSize` / 20), or
/// as many as are asked for, when those are more.
const MAX_ENTRIES_EXAMINED: usize = 800;
const ENTRIES_PER_STEP: usize = 256;
/// Neighbors that are asked for a store time that can be right.
const MAX_NEIGHBORS_ASKED: usize = 64;

/// How much one read may give. The first message is given whatever its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// Messages.
    pub messages: usize,
    /// Bytes of their records.
    pub bytes: usize,
}

/// How much one read may give, by where its messages lie: those far behind the end of the log are
/// read from the disk, and many of them at once would keep others waiting
/// (`DefaultMessageStore.isTheBatchFull`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferLimits {
    /// Up to and with a message within [`StoreConfig::in_memory`](super::StoreConfig::in_memory)
    /// behind the end of the log.
    pub in_memory: ReadLimits,
    /// Up to and with a message farther behind.
    pub on_disk: ReadLimits,
}

impl ReadLimits {
    /// The smaller of both.
    #[must_use]
    pub fn at_most(self, other: Self) -> Self {
        Self {
            messages: self.messages.min(other.messages),
            bytes: self.bytes.min(other.bytes),
        }
    }
}

impl TransferLimits {
    /// The smaller of both, wherever the messages lie.
    #[must_use]
    pub fn at_most(self, other: ReadLimits) -> Self {
        Self {
            in_memory: self.in_memory.at_most(other),
            on_disk: self.on_disk.at_most(other),
        }
    }

    fn messages(&self) -> usize {
        self.in_memory.messages.max(self.on_disk.messages)
    }
}

impl From<ReadLimits> for TransferLimits {
    fn from(limits: ReadLimits) -> Self {
        Self {
            in_memory: limits,
            on_disk: limits,
        }
    }
}

/// What is read of a queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadRequest<'a> {
    pub(super) offset: QueueOffset,
    pub(super) limits: TransferLimits,
    pub(super) filter: &'a Filter,
    pub(super) wait: DiskWait,
}

/// How a read went (`GetMessageStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadStatus {
    /// There are messages.
    Found,
    /// Messages were there, and the filter let none through.
    NoneMatched,
    /// No such queue.
    NoQueue,
    /// The queue has never held a message.
    Empty,
    /// What was asked for is gone.
    TooSmall,
    /// The end: nothing new yet.
    AtEnd,
    /// Beyond the end.
    BeyondEnd,
    /// The log no longer has what the queue names.
    Removed,
}

/// What a read gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadOutcome {
    /// How it went.
    pub status: ReadStatus,
    /// Where to go on.
    pub next: QueueOffset,
    /// The first queue offset that is still there.
    pub min: QueueOffset,
    /// The queue offset behind the last visible message.
    pub max: QueueOffset,
    /// Whole records, one behind the other.
    pub records: Bytes,
    /// How many.
    pub count: usize,
}

/// Where the first message of a queue lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FirstMessage {
    /// There is none yet.
    None,
    /// It is gone.
    Expired,
    /// So many bytes before the end of the log.
    Behind(u64),
}

/// Which of two neighbors a time between them means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Boundary {
    /// The first message at the time or after it.
    #[default]
    Lower,
    /// The last message at the time or before it.
    Upper,
}

impl MessageStore {
    /// Reads a queue from `offset` on: the messages that `filter` lets through.
    ///
    /// Damaged records are passed over and reported in the log.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`].
    pub fn read(
        &self,
        topic: &str,
        queue_id: i32,
        offset: QueueOffset,
        limits: impl Into<TransferLimits>,
        filter: &Filter,
    ) -> Result<ReadOutcome, StoreError> {
        let request = ReadRequest {
            offset,
            limits: limits.into(),
            filter,
            wait: DiskWait::Allowed,
        };
        self.read_request(topic, queue_id, &request)
    }

    /// A read that must not wait for the disk ends where it would, which may be where it begins.
    pub(super) fn read_request(
        &self,
        topic: &str,
        queue_id: i32,
        request: &ReadRequest<'_>,
    ) -> Result<ReadOutcome, StoreError> {
        let offset = request.offset;
        let Some(queue) = self.0.queues.find(topic, queue_id) else {
            let nowhere = QueueOffset(0);
            return Ok(ReadOutcome::nothing(
                ReadStatus::NoQueue,
                nowhere,
                nowhere,
                nowhere,
            ));
        };
        let min = QueueOffset(queue.min());
        let max = QueueOffset(queue.visible_max(self.0.log.visible_end()).max(min.0));
        let nothing = |status, next| Ok(ReadOutcome::nothing(status, next, min, max));
        if max.0 == 0 {
            return nothing(ReadStatus::Empty, QueueOffset(0));
        }
        if offset < min {
            return nothing(ReadStatus::TooSmall, min);
        }
        if offset == max {
            return nothing(ReadStatus::AtEnd, offset);
        }
        if offset > max {
            return nothing(ReadStatus::BeyondEnd, max);
        }
        let found = self.0.examine(&queue, max, request);
        let found = found.inspect_err(|error| self.0.tell_unreadable(error))?;
        Ok(ReadOutcome { min, max, ..found })
    }

    /// The queue offset of the message at a store time (ms since 1970); see [`Boundary`].
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`].
    pub fn offset_by_time(
        &self,
        topic: &str,
        queue_id: i32,
        time_ms: i64,
        boundary: Boundary,
    ) -> Result<QueueOffset, StoreError> {
        let Some(queue) = self.0.queues.find(topic, queue_id) else {
            return Ok(QueueOffset(0));
        };
        let (min, max) = (queue.min(), queue.visible_max(self.0.log.visible_end()));
        let (mut low, mut high) = (min, max.max(min));
        while low < high {
            let middle = low + (high - low) / 2;
            let is_before = |time: i64| match boundary {
                Boundary::Lower => time < time_ms,
                Boundary::Upper => time <= time_ms,
            };
            match self.0.plausible_time(&queue, middle..high)? {
                Some((index, time)) if is_before(time) => low = index + 1,
                // Without a time the search errs to the earlier side: no message is skipped.
                _ => high = middle,
            }
        }
        Ok(QueueOffset(match boundary {
            Boundary::Lower => low,
            Boundary::Upper if low == min => 0,
            Boundary::Upper => low - 1,
        }))
    }

    /// When the first message of a queue was stored, ms since 1970; `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`].
    pub fn earliest_store_time(
        &self,
        topic: &str,
        queue_id: i32,
    ) -> Result<Option<i64>, StoreError> {
        let Some(queue) = self.0.queues.find(topic, queue_id) else {
            return Ok(None);
        };
        self.0.store_time(&queue, queue.min())
    }

    /// When the message at a queue offset was stored, ms since 1970; `None` when it is not there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`].
    pub fn store_time(
        &self,
        topic: &str,
        queue_id: i32,
        offset: QueueOffset,
    ) -> Result<Option<i64>, StoreError> {
        let Some(queue) = self.0.queues.find(topic, queue_id) else {
            return Ok(None);
        };
        if offset.0 < queue.min() {
            return Ok(None);
        }
        self.0.store_time(&queue, offset.0)
    }

    /// Where the first message of a queue lies.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`].
    pub fn first_message(&self, topic: &str, queue_id: i32) -> Result<FirstMessage, StoreError> {
        let Some(queue) = self.0.queues.find(topic, queue_id) else {
            return Ok(FirstMessage::None);
        };
        if queue.min() > 0 {
            return Ok(FirstMessage::Expired);
        }
        let first = self.0.sound_entry(&queue, 0);
        let first = first.inspect_err(|error| self.0.tell_unreadable(error))?;
        let end = self.0.log.written_end();
        let behind = |first: &QueueEntry| FirstMessage::Behind(end.saturating_sub(first.offset));
        Ok(first.as_ref().map_or(FirstMessage::None, behind))
    }
}

/// What became of an entry that was looked at.
#[derive(Debug)]
pub(super) enum Fetched {
    /// Its record was added.
    Record,
    /// The reader does not ask for it, or there is none.
    Unwanted,
    /// It was deleted meanwhile.
    Removed,
    /// It is damaged.
    Damaged,
}

/// What came of a run of entries whose records lie one behind the other.
#[derive(Clone, Copy, Debug, Default)]
struct TakenRun {
    /// The entries that are dealt with.
    entries: usize,
    /// The records of them that are wanted.
    records: usize,
}

impl ReadOutcome {
    fn nothing(status: ReadStatus, next: QueueOffset, min: QueueOffset, max: QueueOffset) -> Self {
        Self {
            status,
            next,
            min,
            max,
            records: Bytes::new(),
            count: 0,
        }
    }
}

impl StoreShared {
    /// Collects records up to the queue offset `max`.
    fn examine(
        &self,
        queue: &Queue,
        max: QueueOffset,
        request: &ReadRequest<'_>,
    ) -> Result<ReadOutcome, StoreError> {
        let &ReadRequest {
            offset,
            limits,
            filter,
            wait,
        } = request;
        let most_examined = MAX_ENTRIES_EXAMINED.max(limits.messages());
        let in_memory_from = self.log.written_end().saturating_sub(self.config.in_memory);
        let (mut index, mut examined, mut count) = (offset.0, 0, 0);
        let mut records = BytesMut::new();
        let mut removed = false;
        'queue: while index < max.0 && examined < most_examined {
            let step = usize::try_from(max.0 - index)
                .unwrap_or(usize::MAX)
                .min(ENTRIES_PER_STEP);
            let entries = queue.read_within(&*self.disk, index, step, wait)?;
            if entries.is_empty() {
                break;
            }
            let mut entries = entries.as_slice();
            while let Some((entry, behind)) = entries.split_first() {
                let size = entry.size as usize;
                let limits = if entry.offset >= in_memory_from {
                    limits.in_memory
                } else {
                    limits.on_disk
                };
                let full = count >= limits.messages || records.len() + size > limits.bytes;
                if count > 0 && full && !entry.is_hole() || examined >= most_examined {
                    break 'queue;
                }
                let room = ReadLimits {
                    messages: (limits.messages - count.min(limits.messages))
                        .min(most_examined - examined),
                    bytes: limits.bytes.saturating_sub(records.len()),
                };
                let run = first_run(entries, room);
                let taken = self.take_run(queue, index, run, request, &mut records);
                if taken.entries > 0 {
                    (count, examined) = (count + taken.records, examined + taken.entries);
                    index += taken.entries as u64;
                    entries = entries.get(taken.entries..).unwrap_or_default();
                    continue;
                }
                let is_told_by_entry =
                    entry.is_hole() || queue.may_have(entry) && !filter.may_want(entry.tag);
                if wait == DiskWait::Refused && !is_told_by_entry {
                    break 'queue;
                }
                examined += 1;
                match self.fetch(queue, index, *entry, filter, &mut records)? {
                    Fetched::Record => count += 1,
                    Fetched::Unwanted => {}
                    Fetched::Removed => removed = true,
                    Fetched::Damaged => self.tell_damaged(entry.offset, index),
                }
                index += 1;
                entries = behind;
            }
        }
        let status = match (count, removed) {
            (0, true) => ReadStatus::Removed,
            (0, false) => ReadStatus::NoneMatched,
            _ => ReadStatus::Found,
        };
        let next = QueueOffset(index);
        Ok(ReadOutcome {
            records: records.freeze(),
            count,
            ..ReadOutcome::nothing(status, next, offset, max)
        })
    }

    /// Appends the records of a run that are wanted, with one read. Ends before the first that is not
    /// as it should be: what is to become of that one, [`StoreShared::fetch`] knows.
    fn take_run(
        &self,
        queue: &Queue,
        index: u64,
        run: &[QueueEntry],
        request: &ReadRequest<'_>,
        out: &mut BytesMut,
    ) -> TakenRun {
        let &ReadRequest { filter, wait, .. } = request;
        // Of a single record the length is checked first, where the disk may be waited for.
        let least = match wait {
            DiskWait::Allowed => 2,
            DiskWait::Refused => 1,
        };
        let promising = |entry: &&QueueEntry| filter.may_want(entry.tag) && queue.may_have(entry);
        let count = run.iter().take_while(promising).count();
        let Some(first) = run.first().filter(|_| count >= least) else {
            return TakenRun::default();
        };
        let run = run.iter().take(count);
        let length: usize = run.clone().map(|entry| entry.size as usize).sum();
        // Up to `end` lies what is wanted; unwanted records before `begin` are overwritten.
        let (mut end, mut begin) = (out.len(), out.len());
        out.resize(end + length, 0);
        let bytes = out.get_mut(end..).unwrap_or_default();
        let mut taken = TakenRun::default();
        if matches!(self.log.read_within(first.offset, bytes, wait), Ok(true)) {
            for (entry, index) in run.zip(index..) {
                let behind = begin + entry.size as usize;
                let bytes = out.get(begin..behind).unwrap_or_default();
                let Some(record) = whole_record(bytes, queue, index, entry) else {
                    break;
                };
                if filter.wants(|name| record.property(name)) {
                    if end < begin {
                        out.copy_within(begin..behind, end);
                    }
                    end += entry.size as usize;
                    taken.records += 1;
                }
                begin = behind;
                taken.entries += 1;
            }
        }
        out.truncate(end);
        taken
    }

    /// Appends the record of an entry to `out` if `filter` lets it through, that of the right entry
    /// when this one is damaged.
    fn fetch(
        &self,
        queue: &Queue,
        index: u64,
        entry: QueueEntry,
        filter: &Filter,
        out: &mut BytesMut,
    ) -> Result<Fetched, StoreError> {
        let may_fit = queue.may_have(&entry);
        if entry.is_hole() {
            return Ok(Fetched::Unwanted);
        }
        if may_fit && let Some(fetched) = self.take(queue, index, &entry, filter, out)? {
            return Ok(fetched);
        }
        let begin = self.log.begin();
        if entry.offset < begin && queue.is_gone(&*self.disk, index, begin)? {
            return Ok(Fetched::Removed);
        }
        let Some(right) = self.mend(queue, index)? else {
            return Ok(Fetched::Damaged);
        };
        let fetched = self.take(queue, index, &right, filter, out)?;
        Ok(fetched.unwrap_or(Fetched::Damaged))
    }

    /// Appends the record of an entry to `out` if `filter` lets it through; `None` when the entry does
    /// not fit. What the tag code alone rules out is not read.
    pub(super) fn take(
        &self,
        queue: &Queue,
        index: u64,
        entry: &QueueEntry,
        filter: &Filter,
        out: &mut BytesMut,
    ) -> Result<Option<Fetched>, StoreError> {
        if !filter.may_want(entry.tag) {
            return Ok(Some(Fetched::Unwanted));
        }
        if !self.log.may_hold(entry.offset, entry.size)? {
            return Ok(None);
        }
        let start = out.len();
        out.resize(start + entry.size as usize, 0);
        let place = out.get_mut(start..).unwrap_or_default();
        let there = self.log.read(entry.offset, place)?;
        let record = whole_record(place, queue, index, entry).filter(|_| there);
        let fetched = record.map(|record| {
            if filter.wants(|name| record.property(name)) {
                Fetched::Record
            } else {
                Fetched::Unwanted
            }
        });
        if !matches!(fetched, Some(Fetched::Record)) {
            out.truncate(start);
        }
        Ok(fetched)
    }

    /// Whether an entry leads to its message.
    pub(super) fn fits(
        &self,
        queue: &Queue,
        index: u64,
        entry: &QueueEntry,
    ) -> Result<bool, StoreError> {
        let everything = Filter::default();
        let fetched = self.take(queue, index, entry, &everything, &mut BytesMut::new())?;
        Ok(fetched.is_some())
    }

    /// No end of this is announced, because other records may be damaged still.
    fn tell_damaged(&self, offset: u64, queue_offset: u64) {
        if let Some(untold) = self.log.troubles.begin("a damaged record") {
            tracing::error!(
                offset,
                queue_offset,
                untold,
                "a damaged record is passed over"
            );
        }
    }

    /// No end of this is announced, because other files may be unreadable still.
    pub(super) fn tell_unreadable(&self, error: &StoreError) {
        if let Some(untold) = self.log.troubles.begin("an unreadable file") {
            tracing::error!(%error, untold, "a part of the store cannot be read");
        }
    }

    pub(super) fn record_at(&self, offset: PhysicalOffset) -> Result<Option<Bytes>, StoreError> {
        let record = self.find_record_at(offset);
        record.inspect_err(|error| self.tell_unreadable(error))
    }

    fn find_record_at(&self, offset: PhysicalOffset) -> Result<Option<Bytes>, StoreError> {
        if offset.0 < self.log.begin() || offset.0 >= self.log.visible_end() {
            return Ok(None);
        }
        let mut head = [0; 8];
        if !self.log.read(offset.0, &mut head)? {
            return Ok(None);
        }
        let [s0, s1, s2, s3, m0, m1, m2, m3] = head;
        let magic = u32::from_be_bytes([m0, m1, m2, m3]);
        let size = u32::from_be_bytes([s0, s1, s2, s3]);
        if !matches!(magic, MAGIC_V1 | MAGIC_V2) || !self.log.may_hold(offset.0, size)? {
            return Ok(None);
        }
        let mut bytes = BytesMut::zeroed(size as usize);
        if !self.log.read(offset.0, &mut bytes)? {
            return Ok(None);
        }
        let bytes = bytes.freeze();
        let whole = RecordView::parse(&bytes)
            .is_ok_and(|record| record.physical_offset == offset && record.check_body().is_ok());
        Ok(whole.then_some(bytes))
    }

    /// Queue offset and store time of the first message of the range whose record is whole and whose
    /// time does not lie in the future, as it does when the clock was ahead.
    fn plausible_time(
        &self,
        queue: &Queue,
        range: std::ops::Range<u64>,
    ) -> Result<Option<(u64, i64)>, StoreError> {
        let now_ms = self.clock.now_ms();
        for index in range.take(MAX_NEIGHBORS_ASKED) {
            let time = self.store_time(queue, index)?;
            if let Some(time) = time.filter(|time| *time <= now_ms) {
                return Ok(Some((index, time)));
            }
        }
        Ok(None)
    }

    /// Store time of the message at a queue offset, of the one before when that is a hole.
    fn store_time(&self, queue: &Queue, index: u64) -> Result<Option<i64>, StoreError> {
        let entry = self.sound_entry(queue, index);
        let entry = entry.inspect_err(|error| self.tell_unreadable(error))?;
        let Some(entry) = entry else {
            return Ok(None);
        };
        let record = self.record_at(PhysicalOffset(entry.offset))?;
        let time = |record: Bytes| {
            RecordView::parse(&record)
                .ok()
                .map(|view| view.store_timestamp)
        };
        Ok(record.and_then(time))
    }
}

/// The first entries whose records lie one behind the other in the log, as those of a batch do, and
/// find room.
fn first_run(entries: &[QueueEntry], room: ReadLimits) -> &[QueueEntry] {
    let begin = entries.first().map_or(0, |first| first.offset);
    let mut end = begin;
    let run = entries.iter().take(room.messages).take_while(|entry| {
        let goes_on = entry.offset == end && !entry.is_hole();
        end = entry.offset.saturating_add(entry.size.into());
        goes_on && end - begin <= room.bytes as u64
    });
    let length = run.count();
    entries.get(..length).unwrap_or_default()
}

/// The record in `bytes`, if it is the one that `entry` at the queue offset `index` means.
fn whole_record<'a>(
    bytes: &'a [u8],
    queue: &Queue,
    index: u64,
    entry: &QueueEntry,
) -> Option<RecordView<'a>> {
    RecordView::parse(bytes).ok().filter(|record| {
        record.size == bytes.len()
            && record.physical_offset.0 == entry.offset
            && record.queue_offset.0 == index
            && queue.is_of(record.topic, record.queue_id)
            && (queue.has_due_times() || record.tag_code() == entry.tag)
            && record.check_body().is_ok()
    })
}
