//! The messages that are due in one second, each as eight bytes: ten million that wait must fit into
//! memory.

const OFFSET_BITS: u32 = 54;

/// A message that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timer {
    /// When it is due, ms since 1970.
    pub(super) due_ms: i64,
    /// Its queue offset in the timer topic.
    pub(super) offset: u64,
    /// It cancels another message.
    pub(super) cancels: bool,
}

/// The messages that are due in one second; none of them cancels another.
#[derive(Debug)]
pub(super) struct Second {
    /// Seconds since 1970.
    number: i64,
    /// Millisecond and queue offset, in 10 and 54 bits.
    timers: Vec<u64>,
    /// Latest first, so that what is due is taken from the end.
    is_sorted: bool,
    /// None has a smaller queue offset.
    least: u64,
}

impl Second {
    /// The second in which `time_ms` lies, ms since 1970.
    pub(super) fn of(time_ms: i64) -> i64 {
        time_ms.div_euclid(1_000)
    }

    /// None yet in the second of this number, counted since 1970.
    pub(super) fn new(number: i64) -> Self {
        Self {
            number,
            timers: Vec::new(),
            is_sorted: true,
            least: u64::MAX,
        }
    }

    pub(super) fn put(&mut self, timer: Timer) {
        self.is_sorted = self.timers.is_empty();
        let millisecond = timer.due_ms.rem_euclid(1_000).unsigned_abs();
        let packed = millisecond << OFFSET_BITS | (timer.offset & ((1 << OFFSET_BITS) - 1));
        self.timers.push(packed);
        self.least = self.least.min(timer.offset);
    }

    /// Takes what is due at `now_ms`, the earliest first.
    pub(super) fn take_due(&mut self, now_ms: i64) -> impl Iterator<Item = Timer> {
        if !self.is_sorted {
            self.timers.sort_unstable_by(|a, b| b.cmp(a));
            self.is_sorted = true;
        }
        let second = self.number;
        let is_due = |packed: &u64| unpack(second, *packed).due_ms <= now_ms;
        let due_from = self.timers.partition_point(|packed| !is_due(packed));
        let due = self.timers.drain(due_from..).rev();
        due.map(move |packed| unpack(second, packed))
    }

    /// When the first is due, right after [`take_due`](Self::take_due); `None` when none is left.
    pub(super) fn next_ms(&self) -> Option<i64> {
        let next = self.timers.last()?;
        Some(unpack(self.number, *next).due_ms)
    }

    /// Keeps those whose queue offset `stays`.
    pub(super) fn retain(&mut self, stays: impl Fn(u64) -> bool) {
        let second = self.number;
        let offset_of = |packed: &u64| unpack(second, *packed).offset;
        self.timers.retain(|packed| stays(offset_of(packed)));
        let offsets = self.timers.iter().map(offset_of);
        self.least = offsets.min().unwrap_or(u64::MAX);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Timer> {
        let timers = self.timers.iter();
        timers.map(|packed| unpack(self.number, *packed))
    }

    /// None has a smaller queue offset.
    pub(super) fn least(&self) -> u64 {
        self.least
    }

    pub(super) fn len(&self) -> usize {
        self.timers.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.timers.is_empty()
    }
}

fn unpack(second: i64, packed: u64) -> Timer {
    let millisecond = i64::try_from(packed >> OFFSET_BITS).unwrap_or(0);
    Timer {
        due_ms: second * 1_000 + millisecond,
        offset: packed & ((1 << OFFSET_BITS) - 1),
        cancels: false,
    }
}
