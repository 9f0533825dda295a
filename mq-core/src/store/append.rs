//! Appending: encode outside, take the place under one short lock, wait until it is durable.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use super::config::Flush;
use super::consume_queue::{Entry, Queue};
use super::dispatch::Notice;
use super::error::AppendError;
use super::group_commit::SyncWait;
use super::inner::{Inner, MessageStore};
use super::schedule::SCHEDULE_TOPIC;
use crate::message::record::{Draft, Place, RecordView};
use crate::message::{PhysicalOffset, QueueOffset, SysFlag, Transaction, property};

/// Bytes that a record may have beyond its body.
const OVERHEAD: usize = 64 * 1024;
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
    /// Its number in its queue.
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

/// A message of an append that gets an entry in a queue.
struct Queued<'a> {
    draft: &'a Draft,
    queue: Arc<Queue>,
    place: Place,
    size: usize,
}

impl MessageStore {
    /// Appends one message.
    pub fn append(&self, draft: &Draft, durability: Durability) -> Append<Appended> {
        let stored = self.0.append(std::slice::from_ref(draft));
        let first = |all: Vec<Appended>| all.into_iter().next();
        let none = || AppendError::Illegal("there is no message".to_owned());
        self.0.promise(
            stored.and_then(|(end, all)| Ok((end, first(all).ok_or_else(none)?))),
            durability,
        )
    }

    /// Appends several messages behind each other, all or none.
    pub fn append_batch(&self, drafts: &[Draft], durability: Durability) -> Append<Vec<Appended>> {
        self.0.promise(self.0.append(drafts), durability)
    }
}

impl Inner {
    /// Copies the messages into the log; gives the end of the last.
    fn append(self: &Arc<Self>, drafts: &[Draft]) -> Result<(u64, Vec<Appended>), AppendError> {
        self.log.writable()?;
        let mut records = Vec::with_capacity(drafts.iter().map(Draft::size).sum());
        for draft in drafts {
            self.check(draft)?;
            draft.encode(&mut records);
        }
        let keys: Vec<Vec<i32>> = drafts
            .iter()
            .map(|draft| self.index.keys_of(draft))
            .collect();
        let mut all = Vec::with_capacity(drafts.len());
        let mut queued: Vec<Queued<'_>> = Vec::with_capacity(drafts.len());
        let end;
        {
            let mut tail = self.log.tail.lock();
            let now_ms = self.clock.now_ms();
            let placed = self.log.place(&mut tail, records.len(), now_ms)?;
            let mut inside = 0;
            for draft in drafts {
                let queue = self
                    .queues
                    .find_or_create(&draft.message.topic, draft.queue_id);
                let place = Place {
                    queue_offset: if has_queue_entry(draft.sys_flag) {
                        next_number(&queue, &queued)
                    } else {
                        QueueOffset(0)
                    },
                    physical_offset: PhysicalOffset(placed.offset + inside as u64),
                    // A delay begins when it is, whatever time the message before was stored at.
                    store_timestamp: if draft.message.topic == SCHEDULE_TOPIC {
                        now_ms
                    } else {
                        placed.timestamp
                    },
                };
                let size = draft.size();
                place.write(records.get_mut(inside..inside + size).unwrap_or_default());
                inside += size;
                all.push(Appended {
                    queue_offset: place.queue_offset,
                    physical_offset: place.physical_offset,
                    store_timestamp: place.store_timestamp,
                });
                if has_queue_entry(draft.sys_flag) {
                    queued.push(Queued {
                        draft,
                        queue,
                        place,
                        size,
                    });
                }
            }
            self.log.write(&mut tail, placed, &records)?;
            end = placed.offset + records.len() as u64;
            for queued in &queued {
                self.enqueue(queued);
            }
            for (keys, appended) in keys.iter().zip(&all) {
                let offset = appended.physical_offset.0;
                self.index.add(keys, offset, appended.store_timestamp);
            }
            // Only now: whoever sees this end finds the queues, the notices and the index so far.
            self.log.publish(&tail);
        }
        self.log
            .figures
            .stored
            .fetch_add(all.len() as u64, Ordering::Relaxed);
        Ok((end, all))
    }

    /// Puts a message that is in the log into its queue.
    fn enqueue(&self, queued: &Queued<'_>) {
        let Queued {
            draft,
            queue,
            place,
            size,
        } = queued;
        let tag = self.tag_of(draft, place.store_timestamp);
        let offset = place.physical_offset.0;
        let size = u32::try_from(*size).unwrap_or(u32::MAX);
        self.queues
            .put(queue, place.queue_offset.0, Entry { offset, size, tag });
        self.dispatch.keep(Notice {
            end: offset + u64::from(size),
            topic: draft.message.topic.clone(),
            queue_id: draft.queue_id,
            next: place.queue_offset.plus(1),
            tag,
            time_ms: place.store_timestamp,
        });
    }

    /// Turns what was stored into what the caller waits for.
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

    fn check(&self, draft: &Draft) -> Result<(), AppendError> {
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
        if size > limit + OVERHEAD {
            return rule("a record", size, limit + OVERHEAD);
        }
        Ok(())
    }

    /// What the consume queue keeps beside the place.
    fn tag_of(&self, draft: &Draft, store_timestamp: i64) -> i64 {
        let delay = draft.message.properties.get(property::DELAY);
        let schedule = draft.message.topic == SCHEDULE_TOPIC;
        match self.delay(schedule, delay) {
            Some(delay) => due(store_timestamp, delay),
            None => draft
                .message
                .tag()
                .map_or(0, |tag| crate::message::java_hash(tag).into()),
        }
    }

    /// The same for a record that is read again.
    pub(super) fn tag_of_record(&self, record: &RecordView<'_>) -> i64 {
        let schedule = record.topic == SCHEDULE_TOPIC;
        match self.delay(schedule, record.property(property::DELAY)) {
            Some(delay) => due(record.store_timestamp, delay),
            None => record.tag_code(),
        }
    }

    fn delay(&self, schedule: bool, level: Option<&str>) -> Option<Duration> {
        let level: usize = level.filter(|_| schedule)?.parse().ok()?;
        let last = self.config.delays.len();
        self.config
            .delays
            .get(level.min(last).checked_sub(1)?)
            .copied()
    }
}

/// The number that the next message gets behind those of the same append; as a rule they all go to
/// one queue.
fn next_number(queue: &Arc<Queue>, queued: &[Queued<'_>]) -> QueueOffset {
    let same = |other: &&Queued<'_>| Arc::ptr_eq(&other.queue, queue);
    let before = queued.iter().rev().find(same);
    before.map_or_else(
        || QueueOffset(queue.next()),
        |before| before.place.queue_offset.plus(1),
    )
}

fn due(store_timestamp: i64, delay: Duration) -> i64 {
    store_timestamp.saturating_add(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX))
}

/// Half messages and those rolled back are in no consume queue of their topic.
pub(super) fn has_queue_entry(sys_flag: SysFlag) -> bool {
    !matches!(
        sys_flag.transaction(),
        Transaction::Prepared | Transaction::Rollback
    )
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
        let gone = || Err(AppendError::Closed("it was asked twice".to_owned()));
        Poll::Ready(self.outcome.take().unwrap_or_else(gone))
    }
}

impl<T> fmt::Debug for Append<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Append")
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}
