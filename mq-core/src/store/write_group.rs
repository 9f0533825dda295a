//! Appends that are written together, under one lock of the log and with one write.
//!
//! An append joins the open group when it is begun, and gives way once before it writes, so that all
//! requests which arrived in one read of a connection are in the group. The first of them that is polled
//! again writes the whole group; the others find what became of them. An append that is refused, or
//! finds no room, refuses itself and none of the others.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::arrivals::Notice;
use super::commit_log::{AppendStart, Tail};
use super::config::Flush;
use super::consume_queue::{ConsumeQueues, Queue};
use super::derived::StoredRecord;
use super::error::AppendError;
use super::open_group::{GatheredAppends, GatheredMessage, GroupOutcome, WriteGroup};
use super::schedule::SCHEDULE_TOPIC;
use super::shared::StoreShared;
use crate::message::record::RecordPosition;
use crate::message::{PhysicalOffset, QueueOffset, TopicName};

impl StoreShared {
    /// Writes the open group, unless `group` was written meanwhile.
    pub(super) fn write_group(&self, group: &WriteGroup) {
        let mut tail = self.log.tail.lock();
        if group.is_written() {
            return;
        }
        let mut gathered = self.open_group.take();
        let write = AssertUnwindSafe(|| self.write_gathered(&mut tail, &mut gathered));
        let outcome = catch_unwind(write).unwrap_or_else(|_told| {
            GroupOutcome::refused(gathered.appends.len(), &self.log.fail_for_panic())
        });
        let stored = outcome.positions.len() as u64;
        // Before the lock is released: whoever gets it next must not take the group for unwritten.
        gathered.group.set(outcome);
        drop(tail);
        self.log.figures.stored.fetch_add(stored, Ordering::Relaxed);
        self.open_group.reuse(gathered);
        if let Flush::Interval { bytes, .. } = self.log.flush {
            self.announce();
            let unsynced = self.log.written_end().saturating_sub(self.log.synced_end());
            if unsynced >= bytes {
                self.log.sync_wanted.notify_one();
            }
        }
    }

    /// Writes as many appends at a time as the segment has room for.
    fn write_gathered(&self, tail: &mut Tail, gathered: &mut GatheredAppends) -> GroupOutcome {
        let mut outcome = GroupOutcome::default();
        let mut appends = &gathered.appends[..];
        let mut messages = &gathered.messages[..];
        let mut records = &mut gathered.records[..];
        while !appends.is_empty() {
            let run = self
                .log
                .fitting(tail, appends.iter().map(|append| append.bytes));
            let (now, later) = appends.split_at(run);
            let count = now.iter().map(|append| append.messages).sum();
            let bytes = now.iter().map(|append| append.bytes).sum();
            let (these, others) = messages.split_at(count);
            let (of_these, of_others) = records.split_at_mut(bytes);
            let first = outcome.positions.len();
            let written = self.write_records(tail, these, of_these, &mut outcome.positions);
            outcome.add(now, first, written);
            (appends, messages, records) = (later, others, of_others);
        }
        outcome
    }

    /// Writes records with one write, hands them to what is derived, and makes them visible.
    fn write_records(
        &self,
        tail: &mut Tail,
        messages: &[GatheredMessage],
        records: &mut [u8],
        positions: &mut Vec<RecordPosition>,
    ) -> Result<u64, AppendError> {
        let now_ms = self.clock.now_ms();
        let start = self.log.assign_offset(tail, records.len(), now_ms)?;
        let stored = self.assign_positions(messages, start, now_ms);
        let mut rest = &mut *records;
        for record in &stored {
            let (this, others) = rest.split_at_mut(record.size as usize);
            record.position.write(this);
            rest = others;
        }
        self.log.write(tail, start, records)?;
        self.derived.apply(&stored);
        let queued = stored.iter().filter(|record| record.facts.has_queue_entry);
        self.arrivals.keep(queued.map(Notice::of));
        positions.extend(stored.iter().map(|record| record.position));
        // Last, because whoever sees this end must find the queue entries and the notices of all
        // records before it.
        self.log.publish(tail);
        Ok(start.offset + records.len() as u64)
    }

    /// Assigns queue offset, physical offset and store time to every message.
    fn assign_positions<'a>(
        &self,
        messages: &'a [GatheredMessage],
        start: AppendStart,
        now_ms: i64,
    ) -> Vec<StoredRecord<'a>> {
        let mut next_offsets = NextOffsets::of(&self.queues);
        let mut offset = start.offset;
        let stored = messages.iter().map(|message| {
            let GatheredMessage {
                topic,
                queue_id,
                facts,
                size,
            } = message;
            let queue_offset = if facts.has_queue_entry {
                next_offsets.take(topic, *queue_id)
            } else {
                QueueOffset(0)
            };
            let position = RecordPosition {
                queue_offset,
                physical_offset: PhysicalOffset(offset),
                // A delay begins at the wall clock's time, even while store times stand still until
                // the clock catches up with them.
                store_timestamp: if topic == SCHEDULE_TOPIC {
                    now_ms
                } else {
                    start.timestamp
                },
            };
            offset += *size as u64;
            StoredRecord {
                topic,
                queue_id: *queue_id,
                position,
                size: u32::try_from(*size).unwrap_or(u32::MAX),
                facts,
                is_replayed: false,
            }
        });
        stored.collect()
    }
}

/// The queue offsets that the messages of one write get. As a rule they go to few queues, each of which
/// is looked up once.
struct NextOffsets<'a> {
    queues: &'a ConsumeQueues,
    known: Vec<(Arc<Queue>, QueueOffset)>,
}

impl<'a> NextOffsets<'a> {
    fn of(queues: &'a ConsumeQueues) -> Self {
        Self {
            queues,
            known: Vec::new(),
        }
    }

    fn take(&mut self, topic: &TopicName, queue_id: i32) -> QueueOffset {
        let known = self.known.iter_mut().rev();
        for (queue, next) in known {
            if queue.is_of(topic.as_str(), queue_id) {
                let offset = *next;
                *next = offset.plus(1);
                return offset;
            }
        }
        let queue = self.queues.find_or_create(topic, queue_id);
        let offset = QueueOffset(queue.next());
        self.known.push((queue, offset.plus(1)));
        offset
    }
}
