//! Properties stay the bytes they came as, in their order: `name U+0001 value U+0002 …`.
//!
//! What a peer sent is never re-ordered, and a missing last separator stays missing until something
//! is appended.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use super::property;

const NAME_VALUE_SEPARATOR: u8 = 1;
const PROPERTY_SEPARATOR: u8 = 2;

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
    /// The name has a meaning of its own.
    #[error("`{name}` is a name of RocketMQ's own and cannot be set as a user property")]
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
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties(Bytes);

impl Properties {
    /// Takes the bytes as they came. Parts that are no UTF-8 or no property are kept and never
    /// found.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// The bytes as they travel.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values in their order. Parts without a separator are skipped, as in Java.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        iter(&self.0)
    }

    /// The value of the first property `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find_map(|(found, value)| (found == name).then_some(value))
    }

    /// Sets `name`, in its old place when it was there before, else at the end.
    ///
    /// The caller has checked name and value; see [`Properties::set_user`] for a person's input.
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
    /// [`PropertyError`] when the name is reserved, one of both is blank or has a separator.
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

    /// Removes every property `name`; says whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let there = self.get(name).is_some();
        if there {
            self.replace(name, None);
        }
        there
    }

    /// Puts `value` wherever `name` stands, or nothing.
    fn replace(&mut self, name: &str, value: Option<&str>) {
        let room = self.0.len() + value.map_or(0, str::len);
        let mut out = BytesMut::with_capacity(room);
        let parts = self.0.split(|b| *b == PROPERTY_SEPARATOR);
        for part in parts.filter(|part| !part.is_empty()) {
            if property_name(part) != name.as_bytes() {
                out.put_slice(part);
                out.put_u8(PROPERTY_SEPARATOR);
            } else if let Some(value) = value {
                put(&mut out, name, value);
            }
        }
        self.0 = out.freeze();
    }

    fn append(&mut self, name: &str, value: &str) {
        let mut out = BytesMut::with_capacity(self.0.len() + name.len() + value.len() + 3);
        out.put_slice(&self.0);
        if self
            .0
            .last()
            .is_some_and(|last| *last != PROPERTY_SEPARATOR)
        {
            out.put_u8(PROPERTY_SEPARATOR);
        }
        put(&mut out, name, value);
        self.0 = out.freeze();
    }
}

/// Checks what a person gives as a property.
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

/// Names and values of properties that lie in a larger buffer.
pub(crate) fn iter(bytes: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    bytes
        .split(|b| *b == PROPERTY_SEPARATOR)
        .filter_map(|part| {
            let (name, value) = std::str::from_utf8(part).ok()?.split_once('\u{1}')?;
            (!name.is_empty()).then_some((name, value))
        })
}

fn property_name(part: &[u8]) -> &[u8] {
    part.split(|b| *b == NAME_VALUE_SEPARATOR)
        .next()
        .unwrap_or_default()
}

fn put(out: &mut BytesMut, name: &str, value: &str) {
    out.put_slice(name.as_bytes());
    out.put_u8(NAME_VALUE_SEPARATOR);
    out.put_slice(value.as_bytes());
    out.put_u8(PROPERTY_SEPARATOR);
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Properties {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(properties: I) -> Self {
        let mut out = BytesMut::new();
        for (name, value) in properties {
            put(&mut out, name, value);
        }
        Self(out.freeze())
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
