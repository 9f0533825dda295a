//! From where the half topic and the op topic have to be read at a start, kept as the offsets of a
//! consumer group, as by Apache's broker (`TransactionalMessageUtil.buildConsumerGroup`).

use std::collections::VecDeque;

use crate::message::QueueOffset;

/// How many records of the op topic are remembered as one.
const OPS_PER_RUN: u64 = 256;

/// From where both topics have to be read. Every half message before has ended; every record of the op
/// topic before names only such.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) half: QueueOffset,
    pub(super) op: QueueOffset,
}

/// Records of the op topic that lie behind each other.
#[derive(Clone, Copy, Debug)]
struct OpRun {
    first: QueueOffset,
    /// The highest queue offset that they name.
    highest_half: QueueOffset,
}

/// The records of the op topic that were read, as far as they may be needed again.
#[derive(Debug, Default)]
pub(super) struct OpsRead {
    runs: VecDeque<OpRun>,
    next: QueueOffset,
}

impl OpsRead {
    pub(super) fn from(next: QueueOffset) -> Self {
        Self {
            runs: VecDeque::new(),
            next,
        }
    }

    pub(super) fn next(&self) -> QueueOffset {
        self.next
    }

    /// A record was read that names half messages up to `highest_half`.
    pub(super) fn add(&mut self, op: QueueOffset, highest_half: Option<QueueOffset>) {
        let (Some(highest_half), true) = (highest_half, op >= self.next) else {
            return;
        };
        self.next = op.plus(1);
        match self.runs.back_mut() {
            Some(run) if op.0 - run.first.0 < OPS_PER_RUN => {
                run.highest_half = run.highest_half.max(highest_half);
            }
            _ => self.runs.push_back(OpRun {
                first: op,
                highest_half,
            }),
        }
    }

    /// Everything before `next` was read.
    pub(super) fn read_to(&mut self, next: QueueOffset) {
        self.next = self.next.max(next);
    }

    /// The first record that is needed to know which half messages from `half` on have ended.
    pub(super) fn needed_from(&mut self, half: QueueOffset) -> QueueOffset {
        while self.runs.front().is_some_and(|run| run.highest_half < half) {
            self.runs.pop_front();
        }
        self.runs.front().map_or(self.next, |run| run.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_needed_as_long_as_it_may_name_an_open_half_message() {
        let mut ops = OpsRead::from(QueueOffset(3));
        for op in 3..1_003 {
            ops.add(QueueOffset(op), Some(QueueOffset(op * 10)));
        }

        assert_eq!(ops.needed_from(QueueOffset(0)), QueueOffset(3));
        assert_eq!(ops.needed_from(QueueOffset(2_580)), QueueOffset(3));
        assert_eq!(ops.needed_from(QueueOffset(2_581)), QueueOffset(259));
        assert_eq!(ops.needed_from(QueueOffset(20_000)), QueueOffset(1_003));
        assert_eq!(ops.next(), QueueOffset(1_003));
    }
}
