//! An index over a message's property text, for the names that are looked up in nearly every
//! message.
//!
//! One pass finds where each value begins and ends, so that the dozen lookups on the path of a send
//! do not each scan the text.

use std::ops::Range;

use super::property;
use super::property_text::parts;

macro_rules! known {
    ($($slot:literal $name:ident;)*) => {
        /// How many names are indexed.
        const COUNT: usize = [$($slot),*].len();

        /// Inlined, so that it costs nothing for a name that is known when it is compiled.
        #[inline]
        fn slot_of(name: &[u8]) -> Option<usize> {
            $(const $name: &[u8] = property::$name.as_bytes();)*
            match name {
                $($name => Some($slot),)*
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

/// Where the value of each indexed name begins and ends in the property text.
#[derive(Clone, Copy, Debug)]
pub(super) struct PropertyIndex([Option<(u16, u16)>; COUNT]);

/// What the index says about one name.
pub(super) enum Lookup {
    At(Range<usize>),
    Absent,
    /// The index does not cover the name: search the text.
    NotIndexed,
}

impl PropertyIndex {
    /// Indexes `text`. Values beyond its first 64 KiB are not indexed; see `MAX_INDEXED_LENGTH`.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut found = [None; COUNT];
        for part in parts(text) {
            let Some(slot) = slot_of(part.name) else {
                continue;
            };
            let end = part.at + part.whole.len();
            let begin = end - part.value.len();
            if let Some(known) = found.get_mut(slot)
                && known.is_none()
                && part.has_value
                && std::str::from_utf8(part.value).is_ok()
                && let (Ok(begin), Ok(end)) = (u16::try_from(begin), u16::try_from(end))
            {
                *known = Some((begin, end));
            }
        }
        Self(found)
    }

    #[inline]
    pub(super) fn find(&self, name: &str) -> Lookup {
        match slot_of(name.as_bytes()).and_then(|slot| self.0.get(slot)) {
            Some(Some((begin, end))) => Lookup::At(usize::from(*begin)..usize::from(*end)),
            Some(None) => Lookup::Absent,
            None => Lookup::NotIndexed,
        }
    }
}
