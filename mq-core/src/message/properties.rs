//! Properties stay the bytes they came as, in their order: `name U+0001 value U+0002 …`.
//!
//! What a peer sent is never re-ordered, and a missing last separator stays missing until something
//! is appended.

use std::fmt;
use std::sync::OnceLock;

use bytes::Bytes;
use bytestring::ByteString;

use super::known::{PropertyIndex, Slot, slot_of};
use super::properties_writer::PropertiesWriter;
use super::property;
use super::property_text::{iter, parts};

/// Why a property cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PropertyError {
    /// A name or value has one of the two separators.
    #[error("property `{name}` has a separator (U+0001 or U+0002) in its name or value")]
    Separator {
        /// The property.
        name: String,
    },
    /// A name or a value is blank.
    #[error("property `{name}` is blank")]
    Blank {
        /// The property.
        name: String,
    },
    /// Keys are separated by blanks.
    #[error(
        "the key `{key}` is empty, or it has a blank or a separator: give several keys one by one"
    )]
    Key {
        /// The key.
        key: String,
    },
    /// RocketMQ itself uses the name.
    #[error("`{name}` is reserved by RocketMQ and cannot be set as a user property")]
    Reserved {
        /// The property.
        name: String,
    },
}

/// Properties as they travel, `name U+0001 value U+0002 …`, in their order.
///
/// ```
/// # use mq_core::message::Properties;
/// let mut properties = Properties::default();
/// properties.set("TAGS", "created");
/// assert_eq!(properties.get("TAGS"), Some("created"));
/// assert_eq!(properties.as_bytes().as_ref(), b"TAGS\x01created\x02");
/// ```
#[derive(Clone, Default)]
pub struct Properties {
    bytes: Bytes,
    /// Built with the text, or else at the first lookup.
    known: OnceLock<PropertyIndex>,
}

/// The index keeps 16-bit positions; in a longer text every lookup scans. No record has a longer
/// one.
const MAX_INDEXED_LENGTH: usize = u16::MAX as usize;

impl Properties {
    /// Takes the bytes as they came. Parts that are not UTF-8 or not a property are kept, but no
    /// lookup finds them.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            known: OnceLock::new(),
        }
    }

    /// The text that was written last, and its index.
    pub(crate) fn written(out: PropertiesWriter) -> Self {
        Self::indexed(out.finish())
    }

    /// The text that was written into `out` since its last one, and its index.
    #[cfg(feature = "broker")]
    pub(crate) fn taken_from(out: &mut PropertiesWriter) -> Self {
        Self::indexed(out.take())
    }

    fn indexed((bytes, index): (Bytes, PropertyIndex)) -> Self {
        Self {
            bytes,
            known: OnceLock::from(index),
        }
    }

    /// Writes these properties behind those that are in `out`.
    pub(crate) fn append_to(&self, out: &mut PropertiesWriter) {
        out.put_all(&self.bytes, self.index());
    }

    fn index(&self) -> &PropertyIndex {
        self.known.get_or_init(|| PropertyIndex::of(&self.bytes))
    }

    /// The bytes as they travel.
    pub fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Whether there are no properties.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Names and values in their order. Parts without a separator are skipped, as in Java.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        iter(&self.bytes)
    }

    /// The value of the first property `name` as a slice of these properties, which stays when they
    /// are gone.
    ///
    /// ```
    /// # use mq_core::message::Properties;
    /// let properties = Properties::from_iter([("KEYS", "order-1")]);
    /// let keys = properties.get_text("KEYS");
    /// drop(properties);
    /// assert_eq!(keys.as_deref(), Some("order-1"));
    /// ```
    pub fn get_text(&self, name: &str) -> Option<ByteString> {
        let value = self.get(name)?;
        ByteString::try_from(self.bytes.slice_ref(value.as_bytes())).ok()
    }

    /// The value of the first property `name`.
    #[expect(
        clippy::inline_always,
        reason = "the compiler then finds the slot of a constant name, and nearly all are constants"
    )]
    #[inline(always)]
    pub fn get(&self, name: &str) -> Option<&str> {
        match slot_of(name.as_bytes()) {
            Some(slot) if self.bytes.len() <= MAX_INDEXED_LENGTH => self.indexed_value(slot),
            _ => self.search(name),
        }
    }

    fn indexed_value(&self, slot: Slot) -> Option<&str> {
        let place = self.index().find(slot)?;
        std::str::from_utf8(self.bytes.get(place)?).ok()
    }

    fn search(&self, name: &str) -> Option<&str> {
        self.iter()
            .find_map(|(found, value)| (found == name).then_some(value))
    }

    /// Sets `name`, in its old position when it was there before, else at the end.
    ///
    /// Nothing is validated; for an application's input see [`Properties::set_user`].
    pub fn set(&mut self, name: &str, value: &str) {
        if self.get(name).is_none() {
            return self.append(name, value);
        }
        self.replace(name, Some(value));
    }

    /// Sets a property of the application's own.
    ///
    /// # Errors
    ///
    /// [`PropertyError`] when the name is reserved, or name or value is blank or has a separator.
    pub fn set_user(&mut self, name: &str, value: &str) -> Result<(), PropertyError> {
        if property::RESERVED.contains(&name) {
            return Err(PropertyError::Reserved {
                name: name.to_owned(),
            });
        }
        check_text(name, value)?;
        self.set(name, value);
        Ok(())
    }

    /// Removes every property `name`; returns whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let there = self.get(name).is_some();
        if there {
            self.replace(name, None);
        }
        there
    }

    /// Replaces the value of every property `name`, or removes them all for `None`.
    fn replace(&mut self, name: &str, value: Option<&str>) {
        let room = self.bytes.len() + value.map_or(0, str::len);
        let mut out = PropertiesWriter::with_capacity(room);
        for part in parts(&self.bytes) {
            if part.name != name.as_bytes() {
                out.keep(&part);
            } else if let Some(value) = value {
                out.put(name, value);
            }
        }
        *self = Self::written(out);
    }

    fn append(&mut self, name: &str, value: &str) {
        let room = self.bytes.len() + name.len() + value.len() + 3;
        let mut out = PropertiesWriter::with_capacity(room);
        self.append_to(&mut out);
        out.put(name, value);
        *self = Self::written(out);
    }
}

impl PartialEq for Properties {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Properties {}

/// Validates a property that an application sets.
fn check_text(name: &str, value: &str) -> Result<(), PropertyError> {
    let separator = |c: char| c == '\u{1}' || c == '\u{2}';
    if name.contains(separator) || value.contains(separator) {
        return Err(PropertyError::Separator {
            name: name.to_owned(),
        });
    }
    if name.trim().is_empty() || value.trim().is_empty() {
        return Err(PropertyError::Blank {
            name: name.to_owned(),
        });
    }
    Ok(())
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Properties {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(properties: I) -> Self {
        let mut out = PropertiesWriter::with_capacity(0);
        for (name, value) in properties {
            out.put(name, value);
        }
        Self::written(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_last_separator_are_read_and_kept() {
        for text in ["a\u{1}1\u{2}b\u{1}2", "a\u{1}1\u{2}b\u{1}2\u{2}"] {
            let properties = Properties::from_bytes(text);

            assert_eq!(
                properties.iter().collect::<Vec<_>>(),
                [("a", "1"), ("b", "2")]
            );
            assert_eq!(properties.as_bytes(), text.as_bytes());
        }
    }

    #[test]
    fn a_missing_separator_is_put_in_before_something_is_appended() {
        let mut properties = Properties::from_bytes("a\u{1}1");

        properties.set("b", "2");

        assert_eq!(properties.as_bytes(), "a\u{1}1\u{2}b\u{1}2\u{2}".as_bytes());
    }

    #[test]
    fn a_property_that_was_there_keeps_its_place() {
        let mut properties = Properties::from_iter([("a", "1"), ("b", "2"), ("c", "3")]);

        properties.set("b", "two");
        properties.remove("a");

        assert_eq!(
            properties.iter().collect::<Vec<_>>(),
            [("b", "two"), ("c", "3")]
        );
    }

    /// Some names are looked up in the index, others by a scan: both must agree.
    #[test]
    fn the_index_finds_the_same_value_as_a_scan() {
        let texts: [&[u8]; 7] = [
            b"",
            b"x\x01TAGS\x02TAGS\x01a\x02TAGS\x01b\x02",
            b"TAGS\x02KEYS\x01\x02DELAY\x01\x011",
            b"\x02\x02TAGS\x01\xff\x02TAGS\x01b",
            b"\x01TAGS\x02UNIQ_KEY\x01\xc3\xa4",
            b"TAGSX\x01no\x02XTAGS\x01no",
            b"WAIT\x01false",
        ];
        let long = [&b"x\x01"[..], &vec![b'y'; 70_000], b"\x02TAGS\x01far"].concat();
        for text in texts.into_iter().chain([long.as_slice()]) {
            let properties = Properties::from_bytes(text.to_vec());
            for name in property::RESERVED {
                let searched = iter(text).find(|(found, _)| found == name);
                assert_eq!(
                    properties.get(name),
                    searched.map(|(_, value)| value),
                    "{name}"
                );
            }
        }
    }

    /// What is written has its index at once, and what is read gets one: both must agree.
    #[test]
    fn what_was_written_is_found_as_what_was_read() {
        let texts: [&[u8]; 5] = [
            b"",
            b"TAGS\x01a\x02x\x01y",
            b"x\x02TAGS\x01\xff\x02KEYS\x01k",
            b"KEYS\x01\x02TAGS\x02\x02",
            &[&b"x\x01"[..], &vec![b'y'; 65_530], b"\x02TAGS\x01far"].concat(),
        ];
        for (first, second) in texts.iter().flat_map(|a| texts.iter().map(move |b| (a, b))) {
            let mut out = PropertiesWriter::default();
            Properties::from_bytes(first.to_vec()).append_to(&mut out);
            out.put("WAIT", "1\u{2}DELAY\u{1}2");
            parts(second).for_each(|part| out.keep(&part));
            let written = Properties::written(out);

            let read = Properties::from_bytes(written.as_bytes().clone());
            for name in property::RESERVED {
                assert_eq!(written.get(name), read.get(name), "{name}");
            }
        }
    }

    #[test]
    fn what_is_set_is_found_after_something_was_found() {
        let mut properties = Properties::from_iter([("TAGS", "a")]);
        assert_eq!(properties.get("TAGS"), Some("a"));

        properties.set("TAGS", "b");
        properties.set("KEYS", "k");
        properties.remove("UNIQ_KEY");

        assert_eq!(properties.get("TAGS"), Some("b"));
        assert_eq!(properties.get("KEYS"), Some("k"));
        properties.remove("TAGS");
        assert_eq!(properties.get("TAGS"), None);
    }

    #[test]
    fn a_person_cannot_set_what_belongs_to_the_broker() {
        let mut properties = Properties::default();

        assert!(matches!(
            properties.set_user("TAGS", "x"),
            Err(PropertyError::Reserved { .. })
        ));
        assert!(matches!(
            properties.set_user("a", "\u{1}"),
            Err(PropertyError::Separator { .. })
        ));
        assert!(matches!(
            properties.set_user("a", " "),
            Err(PropertyError::Blank { .. })
        ));
        assert!(properties.set_user("a", "b").is_ok());
    }
}
