//! From the log to whoever waits: tells of each message once it may be seen.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::derived::StoredRecord;
use crate::message::{QueueOffset, TopicName};

/// Learns of messages that have become visible.
pub trait Arrival: Send + Sync + 'static {
    /// A message of `topic` with the tag code `tag`, stored at `time_ms` (since 1970), may be read;
    /// `next` is the queue offset behind it.
    fn arrived(&self, topic: &TopicName, queue_id: i32, next: QueueOffset, tag: i64, time_ms: i64);
}

/// A message that is stored but perhaps not durable yet.
#[derive(Debug)]
pub(super) struct Notice {
    /// Where its record ends.
    pub(super) end: u64,
    pub(super) topic: TopicName,
    pub(super) queue_id: i32,
    pub(super) next: QueueOffset,
    pub(super) tag: i64,
    pub(super) time_ms: i64,
}

impl Notice {
    pub(super) fn of(record: &StoredRecord<'_>) -> Self {
        let position = record.position;
        Self {
            end: position.physical_offset.0 + u64::from(record.size),
            topic: record.topic.clone(),
            queue_id: record.queue_id,
            next: position.queue_offset.plus(1),
            tag: record.facts.tag_code(position.store_timestamp),
            time_ms: position.store_timestamp,
        }
    }
}

#[derive(Default)]
pub(super) struct ArrivalNotices {
    listener: RwLock<Option<Arc<dyn Arrival>>>,
    notices: Mutex<VecDeque<Notice>>,
}

impl ArrivalNotices {
    pub(super) fn set_listener(&self, listener: Arc<dyn Arrival>) {
        *self.listener.write() = Some(listener);
    }

    /// Keeps notices until their messages may be seen; called in the order of the log.
    pub(super) fn keep(&self, notices: impl Iterator<Item = Notice>) {
        self.notices.lock().extend(notices);
    }

    /// Tells of every message before `visible` that was not told of.
    pub(super) fn announce(&self, visible: u64) {
        let ready: Vec<Notice> = {
            let mut notices = self.notices.lock();
            let count = notices
                .iter()
                .take_while(|notice| notice.end <= visible)
                .count();
            notices.drain(..count).collect()
        };
        let listener = self.listener.read().clone();
        let Some(listener) = listener else { return };
        for notice in ready {
            let Notice {
                topic,
                queue_id,
                next,
                tag,
                time_ms,
                ..
            } = notice;
            listener.arrived(&topic, queue_id, next, tag, time_ms);
        }
    }
}

impl fmt::Debug for ArrivalNotices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ArrivalNotices")
            .field(&self.notices.lock().len())
            .finish()
    }
}
