//! Reads the half topic and the op topic, and keeps how far another start has to go back.
//!
//! Everything that is known of half messages comes from these two topics, at the start and while the
//! broker runs.

use std::time::Duration;

use bytes::Buf;

use super::half::{HALF_TOPIC, topic};
use super::open_halves::ReadHalf;
use super::progress::Progress;
use super::records::{HalfPosition, OP_TOPIC, ended_halves};
use super::service::TransactionParts;
use crate::broker::state::offsets::GroupQueue;
use crate::broker::state::system::TRANSACTIONS_GROUP;
use crate::message::record::RecordView;
use crate::message::subscription::Filter;
use crate::message::{MessageExt, QueueOffset, property};
use crate::store::{ReadLimits, ReadStatus, StoreError};

/// What is read at a time.
const READ_BATCH: ReadLimits = ReadLimits {
    messages: 256,
    bytes: 4 * 1024 * 1024,
};

fn queue_of(topic: &str) -> GroupQueue<'_> {
    GroupQueue {
        group: TRANSACTIONS_GROUP,
        topic,
        queue: 0,
    }
}

impl TransactionParts {
    /// Takes over what has come into both topics since the last call.
    pub(super) async fn catch_up(&self) -> Result<(), StoreError> {
        let _turn = self.reading.lock().await;
        let (half, op) = {
            let halves = self.halves.lock();
            (halves.next_half(), halves.next_op())
        };
        // The op topic first: the copy of what it says has moved is then in the other one.
        let (ops, next_op) = self
            .read_topic(OP_TOPIC, op, |record| {
                (record.queue_offset, ended_halves(record))
            })
            .await?;
        let (read, next_half) = self
            .read_topic(HALF_TOPIC, half, |record| self.read_half(record))
            .await?;
        let next = Progress {
            half: next_half,
            op: next_op,
        };
        self.halves.lock().read(read, ops, next);
        Ok(())
    }

    /// Reads a topic from `offset` to its end, and gives where that is.
    async fn read_topic<T>(
        &self,
        name: &'static str,
        mut offset: QueueOffset,
        keep: impl Fn(&MessageExt) -> T,
    ) -> Result<(Vec<T>, QueueOffset), StoreError> {
        let (topic, everything) = (topic(name), Filter::default());
        let mut kept = Vec::new();
        loop {
            let read = self
                .store
                .read_async(&topic, 0, offset, READ_BATCH, &everything)
                .await?;
            match read.status {
                ReadStatus::NoQueue
                | ReadStatus::Empty
                | ReadStatus::AtEnd
                | ReadStatus::BeyondEnd => return Ok((kept, offset)),
                _ => {}
            }
            let mut rest = read.records;
            while !rest.is_empty() {
                let Ok(view) = RecordView::parse(&rest) else {
                    break;
                };
                let size = view.size;
                if let Ok(record) = view.to_message(&rest) {
                    kept.push(keep(&record));
                }
                rest.advance(size);
            }
            if read.next <= offset {
                return Ok((kept, offset));
            }
            offset = read.next;
        }
    }

    fn read_half(&self, half: &MessageExt) -> ReadHalf {
        let properties = &half.message.properties;
        let number = |name| {
            properties
                .get(name)
                .and_then(|text| text.parse::<u64>().ok())
        };
        let checks = number(property::TRANSACTION_CHECK_TIMES).unwrap_or(0);
        let checks = u32::try_from(checks).unwrap_or(u32::MAX);
        ReadHalf {
            position: HalfPosition {
                queue_offset: half.queue_offset,
                physical_offset: half.physical_offset,
            },
            first: number(property::TRAN_PREPARED_QUEUE_OFFSET).map(QueueOffset),
            checks,
            due: self.clock.moment().plus(self.left(half, checks)),
        }
    }

    /// How long a half message waits for its next check from now on, whatever the clock says of its age.
    fn left(&self, half: &MessageExt, checks: u32) -> Duration {
        let waits = if checks == 0 {
            self.immunity(half)
        } else {
            self.rules.check_interval
        };
        let age = self.clock.now_ms().saturating_sub(half.store_timestamp);
        let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
        waits.saturating_sub(age)
    }

    /// How long nobody is asked about a message. Its own wish counts as long as the log keeps it.
    fn immunity(&self, half: &MessageExt) -> Duration {
        let wish = half
            .message
            .properties
            .get(property::CHECK_IMMUNITY_TIME_IN_SECONDS);
        let wish = wish.and_then(|seconds| seconds.parse().ok());
        let wish = wish.map(Duration::from_secs);
        wish.map_or(self.rules.check_after, |wish| {
            wish.min(self.store.config().retention.keep)
        })
    }

    /// Where reading begins at a start.
    pub(super) fn saved_progress(&self) -> Progress {
        let saved = |topic| {
            let at = queue_of(topic);
            let saved = self.offsets.committed(at);
            if let Some(offset) = saved {
                // Corrected at the start, because the end of the queue was lost: taken over now.
                let _none = self.offsets.pending_reset(at, offset);
            }
            let saved = saved.and_then(QueueOffset::from_wire).unwrap_or_default();
            saved.max(self.store.min_offset(topic, 0))
        };
        Progress {
            half: saved(HALF_TOPIC),
            op: saved(OP_TOPIC),
        }
    }

    /// Keeps the progress, once the records that it rests on survive a loss of power: what ended by a
    /// record that is lost has not ended.
    pub(super) fn save_progress(&self) -> Saving {
        let mut unsaved = self.unsaved.lock();
        if let Some((progress, end)) = *unsaved {
            if end > self.store.synced() {
                return Saving::Pending;
            }
            // The half topic first: the file may be written between the two, and records of the op topic
            // that name nothing are harmless.
            self.offsets
                .commit(queue_of(HALF_TOPIC), progress.half.to_wire());
            self.offsets
                .commit(queue_of(OP_TOPIC), progress.op.to_wire());
        }
        let progress = self.halves.lock().progress();
        let saved = unsaved.replace((progress, self.store.end()));
        if saved.is_some_and(|(saved, _)| saved == progress) {
            Saving::Done
        } else {
            Saving::Pending
        }
    }
}

/// Whether the whole progress is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Saving {
    Done,
    /// It has to be tried again.
    Pending,
}
