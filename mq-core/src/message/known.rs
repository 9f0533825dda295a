//! An index over a message's property text, for the names that are looked up in nearly every
//! message.
//!
//! One pass finds where each value begins and ends, so that the dozen lookups on the path of a send
//! do not each scan the text. The pass that writes a text can build its index as well.

use std::num::NonZeroU16;
use std::ops::Range;

use super::property;
use super::property_text::{PropertyPart, parts};

macro_rules! known {
    ($($slot:literal $name:ident;)*) => {
        /// How many names are indexed.
        const COUNT: usize = [$($slot),*].len();

        /// The slot of an indexed name. Always inlined, so that the compiler compares a constant name
        /// with those that have a slot.
        #[inline(always)]
        pub(super) fn slot_of(name: &[u8]) -> Option<Slot> {
            $(const $name: &[u8] = property::$name.as_bytes();)*
            match name {
                $($name => Some(Slot($slot)),)*
                _ => None,
            }
        }
    };
}

known! {
    0 TAGS;
    1 KEYS;
    2 UNIQ_KEY;
    3 WAIT;
    4 DELAY;
    5 TRAN_MSG;
    6 RETRY_TOPIC;
    7 ORIGIN_MESSAGE_ID;
    8 REAL_TOPIC;
    9 REAL_QID;
    10 TIMER_DELAY_SEC;
    11 TIMER_DELAY_MS;
    12 TIMER_DELIVER_MS;
    13 TIMER_DEL_UNIQKEY;
}

/// An indexed name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot(usize);

/// Where the value of each indexed name begins and ends in the property text. No value begins at 0,
/// because a name stands before it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PropertyIndex([Option<(NonZeroU16, u16)>; COUNT]);

impl PropertyIndex {
    /// Indexes `text`. Values beyond its first 64 KiB are not indexed; see `MAX_INDEXED_LENGTH`.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut index = Self::default();
        index.add_text(text, 0);
        index
    }

    /// Adds the properties of `text`, which lies at `at` in the whole text.
    pub(super) fn add_text(&mut self, text: &[u8], at: usize) {
        for part in parts(text) {
            self.add_part(&part, at + part.at);
        }
    }

    /// Adds a property that lies at `at` in the whole text, unless an earlier one has the same name.
    pub(super) fn add_part(&mut self, part: &PropertyPart<'_>, at: usize) {
        let Some(slot) = slot_of(part.name) else {
            return;
        };
        let end = at + part.whole.len();
        if part.has_value && std::str::from_utf8(part.value).is_ok() {
            self.set(slot.0, end - part.value.len(), end);
        }
    }

    /// Adds what `other` knows of a text that lies at `at` in the whole text.
    pub(super) fn add_index(&mut self, other: &Self, at: usize) {
        for (slot, found) in other.0.iter().enumerate() {
            if let Some((begin, end)) = found {
                self.set(slot, at + usize::from(begin.get()), at + usize::from(*end));
            }
        }
    }

    fn set(&mut self, slot: usize, begin: usize, end: usize) {
        if let Some(known) = self.0.get_mut(slot)
            && known.is_none()
            && let (Ok(begin), Ok(end)) = (u16::try_from(begin), u16::try_from(end))
        {
            *known = NonZeroU16::new(begin).map(|begin| (begin, end));
        }
    }

    /// Where the value of the name with this slot lies.
    #[inline]
    pub(super) fn find(&self, slot: Slot) -> Option<Range<usize>> {
        let (begin, end) = (*self.0.get(slot.0)?)?;
        Some(usize::from(begin.get())..usize::from(end))
    }
}
