//! Reading the messages that wait, in runs of neighbors.

use bytes::{Buf, Bytes};

use super::second::Timer;
use crate::message::record::RecordView;
use crate::message::subscription::Filter;
use crate::message::{MessageExt, QueueOffset};
use crate::store::{MessageStore, ReadLimits, StoreError, TIMER_TOPIC};

/// So many messages between two that are wanted are read with them: one read more costs more.
const GAP: u64 = 8;
/// Bytes of records that are read at a time, or one record if that is longer.
const READ_BYTES: usize = 4 * 1024 * 1024;

/// A message that waits, as it is stored; `None` when it cannot be read any more.
pub(super) type StoredTimer = (Timer, Option<MessageExt>);

/// Reads messages, in the order of their queue offsets, until they have [`READ_BYTES`]; `timers` keeps those
/// that were not read. At least one is read.
pub(super) fn read(
    store: &MessageStore,
    timers: &mut Vec<Timer>,
) -> Result<Vec<StoredTimer>, StoreError> {
    timers.sort_unstable_by_key(|timer| timer.offset);
    let mut found = Vec::with_capacity(timers.len());
    let near = |a: &Timer, b: &Timer| b.offset - a.offset <= GAP;
    let mut bytes = 0;
    for run in timers.chunk_by(near) {
        bytes += read_run(store, run, READ_BYTES.saturating_sub(bytes), &mut found)?;
        if bytes >= READ_BYTES {
            break;
        }
    }
    timers.drain(..found.len());
    Ok(found)
}

/// Reads neighbors until they have `most` bytes; gives how many bytes were read.
fn read_run(
    store: &MessageStore,
    mut run: &[Timer],
    most: usize,
    found: &mut Vec<StoredTimer>,
) -> Result<usize, StoreError> {
    let mut bytes = 0;
    while let (Some(first), Some(last)) = (run.first(), run.last()) {
        let span = last.offset - first.offset + 1;
        let limits = ReadLimits {
            messages: usize::try_from(span).unwrap_or(usize::MAX),
            bytes: most.saturating_sub(bytes),
        };
        let from = QueueOffset(first.offset);
        let read = store.read(TIMER_TOPIC, 0, from, limits, &Filter::default())?;
        let mut records = read.records;
        bytes += records.len();
        while let Some(record) = next(&mut records, run) {
            let (offset, message) = record;
            while let Some((timer, rest)) = run.split_first() {
                if timer.offset >= offset {
                    break;
                }
                found.push((*timer, None));
                run = rest;
            }
            if let Some((timer, rest)) = run.split_first()
                && timer.offset == offset
            {
                found.push((*timer, message));
                run = rest;
            }
        }
        // What the read has passed over is not there.
        let behind = read.next.0.max(first.offset + 1);
        while let Some((timer, rest)) = run.split_first().filter(|(timer, _)| timer.offset < behind)
        {
            found.push((*timer, None));
            run = rest;
        }
        if bytes >= most {
            break;
        }
    }
    Ok(bytes)
}

/// Takes the next record: its queue offset, and its message if that is one of `wanted`.
fn next(records: &mut Bytes, wanted: &[Timer]) -> Option<(u64, Option<MessageExt>)> {
    let view = RecordView::parse(records).ok()?;
    let (offset, size) = (view.queue_offset.0, view.size);
    let by_offset = |timer: &Timer| timer.offset.cmp(&offset);
    let is_wanted = wanted.binary_search_by(by_offset).is_ok();
    let message = if is_wanted {
        view.to_message(records).ok()
    } else {
        None
    };
    records.advance(size);
    Some((offset, message))
}
