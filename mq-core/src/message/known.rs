//! Where the properties that are looked for in nearly every message stand in its text.

use std::ops::Range;

use super::property;
use super::property_text::parts;

macro_rules! known {
    ($($slot:literal $name:ident;)*) => {
        /// How many names are known.
        const COUNT: usize = [$($slot),*].len();

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

/// What one pass over a text of properties found: where each known value begins and ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known([Option<(u16, u16)>; COUNT]);

/// The answer to a question for one name.
pub(super) enum Lookup {
    At(Range<usize>),
    Absent,
    /// The name is not among the known ones.
    NotKnown,
}

impl Known {
    /// Reads `text`, which is shorter than 64 KiB; beyond that nothing is found.
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

    pub(super) fn find(&self, name: &str) -> Lookup {
        match slot_of(name.as_bytes()).and_then(|slot| self.0.get(slot)) {
            Some(Some((begin, end))) => Lookup::At(usize::from(*begin)..usize::from(*end)),
            Some(None) => Lookup::Absent,
            None => Lookup::NotKnown,
        }
    }
}
