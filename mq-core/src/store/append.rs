//! Appending: records are encoded before the log is locked, get their offsets under one short lock,
//! and are durable when the [`Append`] resolves.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use super::commit_log::AppendStart;
use super::config::Flush;
use super::consume_queue::{ConsumeQueues, Queue};
use super::derived::StoredRecord;
use super::dispatch::Notice;
use super::error::AppendError;
use super::facts::MessageFacts;
use super::group_commit::SyncWait;
use super::schedule::SCHEDULE_TOPIC;
use super::shared::{MessageStore, StoreShared};
use crate::message::record::{RecordDraft, RecordPosition};
use crate::message::{PhysicalOffset, QueueOffset, TopicName};

/// Bytes that a record may have beyond its body.
const MAX_RECORD_OVERHEAD: usize = 64 * 1024;
/// The properties' length is a signed 16-bit number on the wire.
const MAX_PROPERTIES: usize = 32_767;

/// What one message waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// What the store promises.
    #[default]
    AsConfigured,
    /// Nothing beyond the copy into the log (property `WAIT` = `false`).
    Written,
}

/// Where a message was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its queue offset.
    pub queue_offset: QueueOffset,
    /// Where its record begins.
    pub physical_offset: PhysicalOffset,
    /// When it was stored, ms since 1970.
    pub store_timestamp: i64,
}

/// An append under way: resolves when the messages are as durable as promised.
///
/// The records are in the log already; dropping this only ends the waiting.
#[must_use = "until this resolves, the message may be lost"]
pub struct Append<T> {
    outcome: Option<Result<T, AppendError>>,
    wait: Option<SyncWait>,
}

/// A message of an append, with all that can be found out before the log is locked.
struct PreparedRecord<'a> {
    draft: &'a RecordDraft,
    facts: MessageFacts,
    /// Bytes of its record.
    size: usize,
}

impl MessageStore {
    /// Appends one message.
    pub fn append(&self, draft: &RecordDraft, durability: Durability) -> Append<Appended> {
        let stored = self.0.append(std::slice::from_ref(draft));
        let first = |all: Vec<Appended>| all.into_iter().next();
        let none = || AppendError::Illegal("there is no message".to_owned());
        self.0.promise(
            stored.and_then(|(end, all)| Ok((end, first(all).ok_or_else(none)?))),
            durability,
        )
    }

    /// Appends several messages behind each other, all or none.
    pub fn append_batch(
        &self,
        drafts: &[RecordDraft],
        durability: Durability,
    ) -> Append<Vec<Appended>> {
        self.0.promise(self.0.append(drafts), durability)
    }
}

impl StoreShared {
    /// Copies the messages into the log; gives the end of the last.
    fn append(
        self: &Arc<Self>,
        drafts: &[RecordDraft],
    ) -> Result<(u64, Vec<Appended>), AppendError> {
        self.log.writable()?;
        let mut records = Vec::with_capacity(drafts.iter().map(RecordDraft::size).sum());
        let mut messages = Vec::with_capacity(drafts.len());
        for draft in drafts {
            messages.push(self.prepare(draft)?);
            draft.encode(&mut records);
        }
        let mut positions = Vec::with_capacity(drafts.len());
        let end;
        {
            let mut tail = self.log.tail.lock();
            let now_ms = self.clock.now_ms();
            let start = self.log.assign_offset(&mut tail, records.len(), now_ms)?;
            self.assign_positions(&messages, start, now_ms, &mut positions);
            let mut inside = 0;
            for (message, position) in messages.iter().zip(&positions) {
                let record = records.get_mut(inside..inside + message.size);
                position.write(record.unwrap_or_default());
                inside += message.size;
            }
            self.log.write(&mut tail, start, &records)?;
            end = start.offset + records.len() as u64;
            self.derive(&messages, &positions);
            // Last, because whoever sees this end must find the queue entries and the notices of all
            // records before it.
            self.log.publish(&tail);
        }
        let stored = positions.len() as u64;
        self.log.figures.stored.fetch_add(stored, Ordering::Relaxed);
        Ok((end, positions.into_iter().map(Appended::from).collect()))
    }

    fn prepare<'a>(&self, draft: &'a RecordDraft) -> Result<PreparedRecord<'a>, AppendError> {
        self.check(draft)?;
        let message = &draft.message;
        let topic = message.topic.as_str();
        Ok(PreparedRecord {
            draft,
            facts: MessageFacts::of(topic, draft.sys_flag, &message.properties, &self.config),
            size: draft.size(),
        })
    }

    /// Assigns queue offset, physical offset and store time to every message.
    fn assign_positions(
        &self,
        messages: &[PreparedRecord<'_>],
        start: AppendStart,
        now_ms: i64,
        positions: &mut Vec<RecordPosition>,
    ) {
        let mut next_offsets = NextOffsets::of(&self.queues);
        let mut offset = start.offset;
        for PreparedRecord { draft, facts, size } in messages {
            let topic = &draft.message.topic;
            let queue_offset = if facts.has_queue_entry {
                next_offsets.take(topic, draft.queue_id)
            } else {
                QueueOffset(0)
            };
            positions.push(RecordPosition {
                queue_offset,
                physical_offset: PhysicalOffset(offset),
                // A delay begins at the wall clock's time, even while store times stand still until
                // the clock catches up with them.
                store_timestamp: if topic == SCHEDULE_TOPIC {
                    now_ms
                } else {
                    start.timestamp
                },
            });
            offset += *size as u64;
        }
    }

    /// Hands messages that are in the log to what is derived from it, and keeps the notices for those
    /// who wait for them.
    fn derive(&self, messages: &[PreparedRecord<'_>], positions: &[RecordPosition]) {
        let records: Vec<StoredRecord<'_>> = messages
            .iter()
            .zip(positions)
            .map(|(message, position)| message.stored_at(*position))
            .collect();
        self.derived.apply(&records);
        let queued = records.iter().filter(|record| record.facts.has_queue_entry);
        self.dispatch.keep(queued.map(Notice::of));
    }

    /// The [`Append`] that resolves when the records before `end` are as durable as `durability` asks.
    fn promise<T>(
        self: &Arc<Self>,
        stored: Result<(u64, T), AppendError>,
        durability: Durability,
    ) -> Append<T> {
        match stored {
            Err(error) => Append {
                outcome: Some(Err(error)),
                wait: None,
            },
            Ok((end, value)) => {
                let waits = self.log.flush == Flush::Sync && durability == Durability::AsConfigured;
                if !waits {
                    self.announce();
                    let unsynced = end.saturating_sub(self.log.synced_end());
                    match self.log.flush {
                        Flush::Interval { bytes, .. } if unsynced < bytes => {}
                        _ => self.log.sync_wanted.notify_one(),
                    }
                }
                let wait = waits.then(|| SyncWait::new(Arc::clone(self), end));
                Append {
                    outcome: Some(Ok(value)),
                    wait,
                }
            }
        }
    }

    fn check(&self, draft: &RecordDraft) -> Result<(), AppendError> {
        let rule = |what: &str, found: usize, limit: usize| {
            let text = format!("{what} of {found} bytes is longer than the limit of {limit}");
            Err(AppendError::Illegal(text))
        };
        let (body, limit) = (draft.message.body.len(), self.config.max_message_size);
        if body > limit {
            return rule("a body", body, limit);
        }
        let properties = draft.message.properties.as_bytes().len();
        if properties > MAX_PROPERTIES {
            return rule("a property text", properties, MAX_PROPERTIES);
        }
        if draft.message.properties.as_bytes().contains(&0) {
            // Recovery takes a zero in the properties for a record that was torn.
            return Err(AppendError::Illegal(
                "the properties have a zero byte".to_owned(),
            ));
        }
        let size = draft.size();
        if size > limit + MAX_RECORD_OVERHEAD {
            return rule("a record", size, limit + MAX_RECORD_OVERHEAD);
        }
        Ok(())
    }
}

impl PreparedRecord<'_> {
    fn stored_at(&self, position: RecordPosition) -> StoredRecord<'_> {
        StoredRecord {
            topic: &self.draft.message.topic,
            queue_id: self.draft.queue_id,
            position,
            size: u32::try_from(self.size).unwrap_or(u32::MAX),
            facts: &self.facts,
            is_replayed: false,
        }
    }
}

/// The queue offsets that the messages of one append get. As a rule they all go to one queue, which is
/// looked up once.
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

impl From<RecordPosition> for Appended {
    fn from(position: RecordPosition) -> Self {
        let RecordPosition {
            queue_offset,
            physical_offset,
            store_timestamp,
        } = position;
        Self {
            queue_offset,
            physical_offset,
            store_timestamp,
        }
    }
}

impl<T: Unpin> Future for Append<T> {
    type Output = Result<T, AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(wait) = &mut self.wait {
            match Pin::new(wait).poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) => self.wait = None,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            }
        }
        let outcome = self.outcome.take();
        Poll::Ready(outcome.expect("`Append` polled after completion"))
    }
}

impl<T> fmt::Debug for Append<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Append")
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}
