//! The half messages that have not ended yet, as the half topic and the op topic tell.
//!
//! A half message that is checked is stored again and keeps its entry: whoever ends it may name any of
//! the queue offsets that it has had. Invariant: only who has claimed a half message appends records
//! that end or move it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use super::progress::{OpsRead, Progress};
use super::records::HalfPosition;
use crate::clock::Moment;
use crate::message::QueueOffset;
use crate::remoting::PeerId;

/// A half message that has not ended.
#[derive(Clone, Debug)]
pub(super) struct OpenHalf {
    pub(super) position: HalfPosition,
    /// The queue offset that its producer was given.
    pub(super) first: QueueOffset,
    /// How often its producers were asked.
    pub(super) checks: u32,
    /// When they are asked next.
    due: Moment,
    /// Who was asked last.
    pub(super) asked: Option<PeerId>,
    is_claimed: bool,
    /// The queue offsets that it had before.
    earlier: Vec<QueueOffset>,
}

/// A half message, as it was read from its queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadHalf {
    pub(super) position: HalfPosition,
    /// For one that was stored again, the queue offset that its producer was given.
    pub(super) first: Option<QueueOffset>,
    pub(super) checks: u32,
    pub(super) due: Moment,
}

/// What became of an attempt to end or move a half message.
#[derive(Debug)]
pub(super) enum Claim {
    /// The caller has it now.
    Taken(OpenHalf),
    /// Somebody else has it at the moment.
    Busy,
    /// It has ended, or never was.
    NotOpen,
    /// Its queue has not been read that far.
    NotRead,
}

/// The half messages that have not ended yet.
#[derive(Debug, Default)]
pub(super) struct OpenHalves {
    /// By queue offset.
    open: BTreeMap<QueueOffset, OpenHalf>,
    /// The queue offset of what was stored again, by those that it had before.
    moved: HashMap<QueueOffset, QueueOffset>,
    /// Those that ended before they were read.
    ended_unread: HashSet<QueueOffset>,
    next: QueueOffset,
    ops: OpsRead,
}

impl OpenHalves {
    /// Nothing before `from` is open.
    pub(super) fn begin(&mut self, from: Progress) {
        self.next = from.half;
        self.ops = OpsRead::from(from.op);
    }

    /// The queue offset up to which the half topic was read.
    pub(super) fn next_half(&self) -> QueueOffset {
        self.next
    }

    /// The queue offset up to which the op topic was read.
    pub(super) fn next_op(&self) -> QueueOffset {
        self.ops.next()
    }

    /// Takes over what was read of both topics up to the offsets in `next`.
    pub(super) fn read(
        &mut self,
        halves: impl IntoIterator<Item = ReadHalf>,
        ops: impl IntoIterator<Item = (QueueOffset, Vec<QueueOffset>)>,
        next: Progress,
    ) {
        for half in halves {
            self.add(half);
        }
        self.next = self.next.max(next.half);
        for (op, ended) in ops {
            self.ops.add(op, ended.iter().max().copied());
            for half in ended {
                self.close(half);
            }
        }
        self.ops.read_to(next.op);
        let next = self.next;
        self.ended_unread.retain(|half| *half >= next);
    }

    fn add(&mut self, read: ReadHalf) {
        let at = read.position.queue_offset;
        if at < self.next || self.ended_unread.remove(&at) {
            return;
        }
        if let Some(first) = read.first
            && let Some(before) = self.current(first)
        {
            self.rename(before, read.position);
            if let Some(half) = self.open.get_mut(&at) {
                half.checks = read.checks;
                half.due = read.due;
            }
            return;
        }
        let half = OpenHalf {
            position: read.position,
            first: read.first.unwrap_or(at),
            checks: read.checks,
            due: read.due,
            asked: None,
            is_claimed: false,
            earlier: Vec::new(),
        };
        if half.first != at {
            self.moved.insert(half.first, at);
        }
        self.open.insert(at, half);
    }

    /// Where the half message is now that had the queue offset `at`.
    fn current(&self, at: QueueOffset) -> Option<QueueOffset> {
        let now = self.moved.get(&at).copied().unwrap_or(at);
        self.open.contains_key(&now).then_some(now)
    }

    fn rename(&mut self, from: QueueOffset, to: HalfPosition) {
        let Some(mut half) = self.open.remove(&from) else {
            return;
        };
        if from != to.queue_offset {
            half.earlier.push(from);
        }
        for earlier in half.earlier.iter().chain([&half.first]) {
            if *earlier != to.queue_offset {
                self.moved.insert(*earlier, to.queue_offset);
            }
        }
        half.position = to;
        self.open.insert(to.queue_offset, half);
    }

    /// Takes the half message that has or had the queue offset `at`, to end it or move it.
    pub(super) fn claim(&mut self, at: QueueOffset) -> Claim {
        let Some(half) = self.current(at).and_then(|now| self.open.get_mut(&now)) else {
            return if at < self.next {
                Claim::NotOpen
            } else {
                Claim::NotRead
            };
        };
        if half.is_claimed {
            return Claim::Busy;
        }
        half.is_claimed = true;
        Claim::Taken(half.clone())
    }

    /// The half message with the queue offset `at` has ended.
    pub(super) fn close(&mut self, at: QueueOffset) {
        if at >= self.next {
            self.ended_unread.insert(at);
        }
        if let Some(half) = self.open.remove(&at) {
            for earlier in half.earlier.iter().chain([&half.first]) {
                self.moved.remove(earlier);
            }
        }
    }

    /// The claim on `half` is over, and it has not ended.
    pub(super) fn release(&mut self, half: &OpenHalf) {
        let now = self.current(half.position.queue_offset);
        if let Some(half) = now.and_then(|now| self.open.get_mut(&now)) {
            half.is_claimed = false;
        }
    }

    /// A claimed half message was stored again at `to`, and `asked` is asked about it; the claim is over.
    pub(super) fn checked(
        &mut self,
        half: &OpenHalf,
        to: HalfPosition,
        due: Moment,
        asked: Option<PeerId>,
    ) {
        let from = half.position.queue_offset;
        if self.open.contains_key(&from) {
            self.rename(from, to);
        } else if !self.open.contains_key(&to.queue_offset) && to.queue_offset < self.next {
            // It was read again and has ended since.
            return;
        }
        let checks = half.checks + 1;
        let entry = self
            .open
            .entry(to.queue_offset)
            .or_insert_with(|| OpenHalf {
                position: to,
                ..half.clone()
            });
        entry.checks = checks;
        entry.due = due;
        entry.asked = asked;
        entry.is_claimed = false;
        if !entry.earlier.contains(&from) {
            entry.earlier.push(from);
        }
        for earlier in entry.earlier.iter().chain([&half.first]) {
            self.moved.insert(*earlier, to.queue_offset);
        }
    }

    /// At most `most` half messages whose producers are to be asked now.
    pub(super) fn due(&self, now: Moment, most: usize) -> Vec<QueueOffset> {
        let is_due = |(_, half): &(&QueueOffset, &OpenHalf)| !half.is_claimed && half.due <= now;
        let due = self.open.iter().filter(is_due);
        due.take(most).map(|(at, _)| *at).collect()
    }

    /// How long until the next one is due; `None` when nothing is open.
    pub(super) fn next_due(&self, now: Moment) -> Option<Duration> {
        let due = self.open.values().map(|half| half.due).min()?;
        Some(due.since(now))
    }

    /// From where another start of this broker, or of Apache's, has to read on.
    pub(super) fn progress(&mut self) -> Progress {
        let first_open = self.open.first_key_value().map(|(at, _)| *at);
        let half = first_open.unwrap_or(self.next).min(self.next);
        Progress {
            half,
            op: self.ops.needed_from(half),
        }
    }
}
