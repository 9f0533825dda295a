//! What the derived things want to know of a message, found out before the log is locked.

use std::time::Duration;

use super::config::StoreConfig;
use super::key_hash::{KeyHashes, key_hashes};
use super::schedule::{SCHEDULE_TOPIC, TIMER_TOPIC, timer_tag_code};
use crate::message::record::RecordView;
use crate::message::{Properties, SysFlag, Transaction, java_hash, property};

/// What the consume queue keeps beside where a message lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TagCode {
    /// Java's hash of the tag; 0 without one.
    Hash(i64),
    /// Of a delayed message: the consume queue keeps its time of delivery, which is so long after the
    /// message was stored.
    DueAfter(Duration),
    /// Of a message with a time of its own, ms since 1970; below zero of one that cancels another.
    DueAt(i64),
}

/// What a message itself says that something derived from the log needs, whatever position it gets. A
/// new [`Derived`](super::derived::Derived) adds its own fields here.
#[derive(Debug)]
pub(super) struct MessageFacts {
    /// Half messages and those rolled back are in no consume queue of their topic.
    pub(super) has_queue_entry: bool,
    /// The hashes of its keys; none when the index is off.
    pub(super) key_hashes: KeyHashes,
    tag: TagCode,
}

impl MessageFacts {
    pub(super) fn of(
        topic: &str,
        sys_flag: SysFlag,
        properties: &Properties,
        config: &StoreConfig,
    ) -> Self {
        Self {
            has_queue_entry: has_queue_entry(sys_flag),
            key_hashes: if config.index {
                key_hashes(topic, properties)
            } else {
                KeyHashes::new()
            },
            tag: tag(topic, properties, config),
        }
    }

    /// The same for a record that is read again.
    pub(super) fn of_record(record: &RecordView<'_>, config: &StoreConfig) -> Self {
        let properties = Properties::from_bytes(record.properties.to_vec());
        Self::of(record.topic, record.sys_flag, &properties, config)
    }

    /// What the consume queue keeps of a message that was stored at `store_timestamp`.
    pub(super) fn tag_code(&self, store_timestamp: i64) -> i64 {
        match self.tag {
            TagCode::Hash(hash) => hash,
            TagCode::DueAfter(delay) => {
                let delay_ms = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
                store_timestamp.saturating_add(delay_ms)
            }
            TagCode::DueAt(due_ms) => due_ms,
        }
    }
}

pub(super) fn has_queue_entry(sys_flag: SysFlag) -> bool {
    !matches!(
        sys_flag.transaction(),
        Transaction::Prepared | Transaction::Rollback
    )
}

fn tag(topic: &str, properties: &Properties, config: &StoreConfig) -> TagCode {
    if topic == TIMER_TOPIC {
        return TagCode::DueAt(timer_tag_code(|name| properties.get(name)));
    }
    let level = properties.get(property::DELAY);
    let delay = level
        .filter(|_| topic == SCHEDULE_TOPIC)
        .and_then(|level| delay_of(level, &config.delays));
    if let Some(delay) = delay {
        return TagCode::DueAfter(delay);
    }
    let hash = |tag| i64::from(java_hash(tag));
    TagCode::Hash(properties.get(property::TAGS).map_or(0, hash))
}

/// How long a message of a delay level waits; beyond the last level, as long as that says.
fn delay_of(level: &str, delays: &[Duration]) -> Option<Duration> {
    let level: usize = level.parse().ok()?;
    delays.get(level.min(delays.len()).checked_sub(1)?).copied()
}
