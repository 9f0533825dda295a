//! The half messages that have not ended yet, as the half topic and the op topic tell.
//!
//! A half message that is checked is stored again and keeps its entry: whoever ends it may name any of
//! the queue offsets that it has had. Invariant: only who has claimed a half message appends records
//! that end or move it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use bytestring::ByteString;

use super::progress::{OpsRead, Progress};
use super::records::HalfPosition;
use crate::clock::Moment;
use crate::message::{PhysicalOffset, QueueOffset};
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
    pub(super) asked: Asked,
    is_claimed: bool,
    /// The queue offsets that it had before.
    earlier: Vec<QueueOffset>,
}

/// Who was asked last how a transaction ended.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) enum Asked {
    /// Nobody since the start, or since a producer of its group came.
    #[default]
    NotYet,
    Producer(PeerId),
    /// Nobody could be: no producer of this group was connected.
    NobodyOf(ByteString),
}

/// When the producers of a half message are asked next.
#[derive(Clone, Debug)]
pub(super) struct NextCheck {
    /// How often they were asked.
    pub(super) checks: u32,
    pub(super) due: Moment,
    pub(super) asked: Asked,
}

impl OpenHalf {
    /// The next check, if nothing changes.
    pub(super) fn next_check(&self) -> NextCheck {
        NextCheck {
            checks: self.checks,
            due: self.due,
            asked: self.asked.clone(),
        }
    }
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
    /// Whether the topics were read since the start. Until then nobody knows which half messages were
    /// stored again behind `next`.
    is_loaded: bool,
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
        self.is_loaded = true;
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
            if before > at {
                // The next copy was stored before this one was read.
                return;
            }
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
            asked: Asked::NotYet,
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
            return if at < self.next && self.is_loaded {
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

    /// Nobody is asked about the half message at `at` before `due`.
    pub(super) fn postpone(&mut self, at: QueueOffset, due: Moment) {
        if let Some(half) = self.open.get_mut(&at) {
            half.due = due;
        }
    }

    /// A producer of the group has come: it is asked at once, at `now`, about what nobody could be asked
    /// before. Tells whether there is anything.
    pub(super) fn producer_came(&mut self, group: &str, now: Moment) -> bool {
        let mut any = false;
        for half in self.open.values_mut() {
            if matches!(&half.asked, Asked::NobodyOf(missing) if missing == group) {
                half.asked = Asked::NotYet;
                half.due = now;
                any = true;
            }
        }
        any
    }

    /// A claimed half message was stored again at `to`; the claim is over.
    pub(super) fn moved(&mut self, half: &OpenHalf, to: HalfPosition, next: NextCheck) {
        let (from, now) = (half.position.queue_offset, to.queue_offset);
        if self.open.contains_key(&from) {
            self.rename(from, to);
        } else if !self.open.contains_key(&now) {
            // It was read again, and has ended since.
            return;
        }
        if let Some(half) = self.open.get_mut(&now) {
            half.checks = next.checks;
            half.due = next.due;
            half.asked = next.asked;
            half.is_claimed = false;
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

    /// At most `most` half messages from the queue offset `from` on whose records lie before `end`, and
    /// which nobody has claimed.
    pub(super) fn lying_before(
        &self,
        end: PhysicalOffset,
        from: QueueOffset,
        most: usize,
    ) -> Vec<QueueOffset> {
        let lies_before = |(_, half): &(&QueueOffset, &OpenHalf)| {
            !half.is_claimed && half.position.physical_offset < end
        };
        let lying = self.open.range(from..).filter(lies_before);
        lying.take(most).map(|(at, _)| *at).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn at(queue_offset: u64) -> HalfPosition {
        HalfPosition {
            queue_offset: QueueOffset(queue_offset),
            physical_offset: PhysicalOffset(queue_offset * 100),
        }
    }

    fn read(queue_offset: u64, first: Option<u64>) -> ReadHalf {
        ReadHalf {
            position: at(queue_offset),
            first: first.map(QueueOffset),
            checks: u32::from(first.is_some()),
            due: Moment::default(),
        }
    }

    fn to(half: u64, op: u64) -> Progress {
        Progress {
            half: QueueOffset(half),
            op: QueueOffset(op),
        }
    }

    fn op(offset: u64, halves: &[u64]) -> (QueueOffset, Vec<QueueOffset>) {
        let halves = halves.iter().copied().map(QueueOffset);
        (QueueOffset(offset), halves.collect())
    }

    fn open(halves: &OpenHalves) -> Vec<u64> {
        halves.open.keys().map(|at| at.0).collect()
    }

    fn taken(halves: &mut OpenHalves, at: u64) -> OpenHalf {
        match halves.claim(QueueOffset(at)) {
            Claim::Taken(half) => half,
            other => panic!("{other:?}"),
        }
    }

    fn next(due: Moment) -> NextCheck {
        NextCheck {
            checks: 1,
            due,
            asked: Asked::Producer(PeerId(3)),
        }
    }

    #[test]
    fn what_a_record_of_the_op_topic_names_is_not_open() {
        let mut halves = OpenHalves::default();
        halves.begin(to(5, 2));

        let all = (5..10).map(|at| read(at, None));
        halves.read(all, [op(2, &[3, 6]), op(3, &[8, 12])], to(10, 4));
        assert_eq!(open(&halves), [5, 7, 9]);
        assert_eq!(halves.progress(), to(5, 2));

        let rest = (10..14).map(|at| read(at, None));
        halves.read(rest, [op(4, &[5, 7])], to(14, 5));
        assert_eq!(open(&halves), [9, 10, 11, 13]);
        let before = |end| halves.lying_before(PhysicalOffset(end), QueueOffset(0), 9);
        assert_eq!((before(900), before(901)), (vec![], vec![QueueOffset(9)]));
        assert!(matches!(halves.claim(QueueOffset(12)), Claim::NotOpen));
        assert!(matches!(halves.claim(QueueOffset(14)), Claim::NotRead));
    }

    /// Its copy may be read before who has stored it says so.
    #[test]
    fn a_half_message_that_is_stored_again_keeps_its_entry_and_all_its_offsets() {
        for read_first in [false, true] {
            let mut halves = OpenHalves::default();
            halves.read([read(0, None), read(1, None)], [], to(2, 0));
            let due = Clock::manual(0).moment().plus(Duration::from_secs(9));
            let mut now = 0;
            for copy in [2, 3] {
                let claimed = taken(&mut halves, now);
                let come = |halves: &mut OpenHalves| {
                    let ended = op(copy - 2, &[now]);
                    halves.read([read(copy, Some(0))], [ended], to(copy + 1, copy - 1));
                };
                if read_first {
                    come(&mut halves);
                    assert!(matches!(halves.claim(QueueOffset(now)), Claim::Busy));
                }
                halves.moved(&claimed, at(copy), next(due));
                if !read_first {
                    come(&mut halves);
                }
                now = copy;
            }

            assert_eq!(open(&halves), [1, 3], "{read_first}");
            for known in [0, 2, 3] {
                let half = taken(&mut halves, known);
                assert_eq!(half.position, at(3));
                assert_eq!(half.first, QueueOffset(0));
                halves.release(&half);
            }
            halves.close(QueueOffset(3));
            assert_eq!(open(&halves), [1]);
            assert!(halves.moved.is_empty(), "{:?}", halves.moved);
            for gone in [0, 2, 3] {
                assert!(matches!(halves.claim(QueueOffset(gone)), Claim::NotOpen));
            }
        }
    }

    /// Two checks fell between two reads of the topic. The copy of the first, read late, took the entry
    /// back to its offset, and the half message could neither be ended nor be checked again.
    #[test]
    fn a_copy_that_is_read_after_the_next_one_was_stored_changes_nothing() {
        let mut halves = OpenHalves::default();
        halves.read([read(0, None)], [], to(1, 0));
        for (from, copy) in [(0, 1), (1, 2)] {
            let claimed = taken(&mut halves, from);
            halves.moved(&claimed, at(copy), next(Moment::default()));
        }

        let copies = [read(1, Some(0)), read(2, Some(0))];
        halves.read(copies, [op(0, &[0]), op(1, &[1])], to(3, 2));

        for known in [0, 1, 2] {
            let half = taken(&mut halves, known);
            assert_eq!(half.position, at(2));
            halves.release(&half);
        }
        halves.close(QueueOffset(2));
        assert!(halves.moved.is_empty(), "{:?}", halves.moved);
    }

    /// Ended by its new offset before its copy was read, it does not open again when that is read.
    #[test]
    fn what_has_ended_stays_ended_whatever_is_read_later() {
        let mut halves = OpenHalves::default();
        halves.read([read(0, None)], [], to(1, 0));
        let claimed = taken(&mut halves, 0);
        halves.moved(&claimed, at(1), next(Moment::default()));
        let again = taken(&mut halves, 0);
        assert_eq!(again.position, at(1));
        halves.close(QueueOffset(1));

        halves.read([read(1, Some(0))], [op(0, &[0]), op(1, &[1])], to(2, 2));

        assert_eq!(open(&halves), [0; 0]);
        assert_eq!(halves.progress(), to(2, 2));
        assert!(halves.ended_unread.is_empty());
    }

    /// Regression: right after a start, who ended a half message by the offset that it had before its last
    /// check was told that it had ended, because only its copy lies behind where reading begins.
    #[test]
    fn before_anything_was_read_nothing_is_known_to_have_ended() {
        let mut halves = OpenHalves::default();
        halves.begin(to(7, 3));
        assert!(matches!(halves.claim(QueueOffset(2)), Claim::NotRead));

        halves.read([read(7, Some(2))], [], to(8, 3));

        assert_eq!(taken(&mut halves, 2).position, at(7));
        assert!(matches!(halves.claim(QueueOffset(3)), Claim::NotOpen));
    }

    /// After a crash between the copy and the record that ends the first, and as Apache's broker leaves
    /// half messages that wait for their own time.
    #[test]
    fn a_copy_takes_the_place_of_what_nobody_has_ended() {
        let mut halves = OpenHalves::default();
        halves.begin(to(7, 0));

        let all = [
            read(7, None),
            read(8, None),
            read(9, Some(7)),
            read(10, Some(2)),
        ];
        halves.read(all, [], to(11, 0));

        assert_eq!(open(&halves), [8, 9, 10]);
        assert_eq!(taken(&mut halves, 7).position, at(9));
        assert_eq!(taken(&mut halves, 2).position, at(10));
    }

    #[test]
    fn half_messages_are_due_at_their_time_and_not_while_somebody_has_them() {
        let mut halves = OpenHalves::default();
        let clock = Clock::manual(0);
        let soon = clock.moment().plus(Duration::from_secs(5));
        let later = ReadHalf {
            due: soon,
            ..read(1, None)
        };
        halves.read([read(0, None), later, read(2, None)], [], to(3, 0));
        let claimed = taken(&mut halves, 2);

        let now = clock.moment();
        assert_eq!(halves.due(now, 9), [QueueOffset(0)]);
        halves.release(&claimed);
        assert_eq!(halves.due(now, 9), [QueueOffset(0), QueueOffset(2)]);
        assert_eq!(halves.due(now, 1), [QueueOffset(0)]);
        assert_eq!(halves.due(soon, 9).len(), 3);
        halves.close(QueueOffset(0));
        halves.close(QueueOffset(2));
        assert_eq!(halves.next_due(now), Some(Duration::from_secs(5)));
    }
}
