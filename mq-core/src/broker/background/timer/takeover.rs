//! Fills the table of a store that Apache's broker has had: its entries hold no times, so the messages
//! are read.
//!
//! Of what its wheel had taken (`lastTimerQueueOffset`), messages that are due before `lastReadTimeMs`
//! were delivered. A message that waits for longer than two days was stored again in between: the copy
//! counts. The times are written into the entries, as this broker does.

use std::collections::HashMap;

use super::progress::TimerProgress;
use super::table::TimerTable;
use super::timercheck::Timercheck;
use crate::message::record::RecordView;
use crate::message::subscription::Filter;
use crate::message::{QueueOffset, property};
use crate::store::{MessageStore, ReadLimits, ReadStatus, StoreError, TIMER_TOPIC, timer_tag_code};

const LIMITS: ReadLimits = ReadLimits {
    messages: 1_024,
    bytes: 4 * 1024 * 1024,
};

/// What a message of the timer topic says.
struct Found {
    offset: u64,
    tag: i64,
    /// Its unique key, and how often it was stored again.
    key: Option<String>,
    is_copy: bool,
}

/// Adds what waits of the messages before the queue offset `end`.
pub(super) fn take_over(
    store: &MessageStore,
    table: &TimerTable,
    apaches: Timercheck,
    end: u64,
) -> Result<(), StoreError> {
    let mut pending: Vec<(u64, i64)> = Vec::new();
    let mut by_key: HashMap<(String, i64), u64> = HashMap::new();
    let mut replaced = Vec::new();
    each(store, end, |found| {
        let due_ms = found.tag.saturating_abs();
        let was_taken = found.offset < apaches.taken_until();
        if was_taken && due_ms < apaches.delivered_until() {
            return Ok(());
        }
        if let Some(key) = found.key {
            let before = by_key.insert((key, found.tag), found.offset);
            replaced.extend(before.filter(|_| found.is_copy));
        }
        pending.push((found.offset, found.tag));
        store.replace_tag_code(TIMER_TOPIC, 0, QueueOffset(found.offset), found.tag)
    })?;
    replaced.sort_unstable();
    for offset in &replaced {
        // A time that is over, so that the next start does not take them for messages that wait.
        store.replace_tag_code(TIMER_TOPIC, 0, QueueOffset(*offset), 0)?;
    }
    pending.retain(|(offset, _)| replaced.binary_search(offset).is_err());
    let delivered_until = apaches.delivered_until().saturating_sub(1);
    let late = pending
        .iter()
        .filter(|(_, tag)| tag.saturating_abs() <= delivered_until);
    let progress = TimerProgress {
        delivered_until,
        end,
        least: pending.first().map_or(end, |(offset, _)| *offset),
        waiting: late.map(|(offset, _)| *offset).collect(),
        ..TimerProgress::default()
    };
    table.begin(&progress, end);
    for (offset, tag) in &pending {
        table.put(*offset, *tag);
    }
    tracing::info!(
        messages = pending.len(),
        "no saved progress of this broker fits: which messages wait for their time was read from the log, as after Apache's broker"
    );
    Ok(())
}

/// Reads all messages before the queue offset `end` that are still there.
fn each(
    store: &MessageStore,
    end: u64,
    mut take: impl FnMut(Found) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut offset = store.min_offset(TIMER_TOPIC, 0);
    while offset.0 < end {
        let read = store.read(TIMER_TOPIC, 0, offset, LIMITS, &Filter::default())?;
        let mut records = &read.records[..];
        while let Ok(record) = RecordView::parse(records) {
            if record.queue_offset.0 < end {
                take(Found::of(&record))?;
            }
            records = records.get(record.size..).unwrap_or_default();
        }
        if read.next <= offset && read.status != ReadStatus::TooSmall {
            break;
        }
        offset = read.next;
    }
    Ok(())
}

impl Found {
    fn of(record: &RecordView<'_>) -> Self {
        Self {
            offset: record.queue_offset.0,
            tag: timer_tag_code(|name| record.property(name)),
            key: record.property(property::UNIQ_KEY).map(str::to_owned),
            is_copy: record.property(property::TIMER_ROLL_TIMES).is_some(),
        }
    }
}
