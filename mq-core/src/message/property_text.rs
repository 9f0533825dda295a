//! Properties as they travel: `name U+0001 value U+0002 …`.

use bytes::{BufMut, Bytes, BytesMut};
use memchr::{memchr, memchr_iter};

const NAME_VALUE_SEPARATOR: u8 = 1;
const PROPERTY_SEPARATOR: u8 = 2;

/// Builds a property text.
pub(crate) struct PropertiesWriter(BytesMut);

impl PropertiesWriter {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(BytesMut::with_capacity(bytes))
    }

    /// Copies a part of another text byte for byte.
    pub(crate) fn keep(&mut self, part: &PropertyPart<'_>) {
        self.0.put_slice(part.whole);
        self.0.put_u8(PROPERTY_SEPARATOR);
    }

    /// Copies a whole text and adds its last separator if that is missing.
    pub(crate) fn put_all(&mut self, text: &[u8]) {
        self.0.put_slice(text);
        if text.last().is_some_and(|last| *last != PROPERTY_SEPARATOR) {
            self.0.put_u8(PROPERTY_SEPARATOR);
        }
    }

    /// Adds a property; name and value must not contain separators.
    pub(crate) fn put(&mut self, name: &str, value: &str) {
        self.0.put_slice(name.as_bytes());
        self.0.put_u8(NAME_VALUE_SEPARATOR);
        self.0.put_slice(value.as_bytes());
        self.0.put_u8(PROPERTY_SEPARATOR);
    }

    pub(crate) fn finish(self) -> Bytes {
        self.0.freeze()
    }
}

/// One part of a property text between two separators.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PropertyPart<'a> {
    /// Its position in the text.
    pub(crate) at: usize,
    /// Name, separator and value.
    pub(crate) whole: &'a [u8],
    pub(crate) name: &'a [u8],
    /// Empty without a separator.
    pub(crate) value: &'a [u8],
    /// Whether it has a separator and a name before it; otherwise it is not a property and is
    /// skipped.
    pub(crate) has_value: bool,
}

/// The parts of a text, empty ones left out.
pub(crate) fn parts(text: &[u8]) -> impl Iterator<Item = PropertyPart<'_>> {
    let ends = memchr_iter(PROPERTY_SEPARATOR, text).chain([text.len()]);
    let mut next = 0;
    let parts = ends.map(move |end| {
        let at = std::mem::replace(&mut next, end + 1);
        let whole = text.get(at..end).unwrap_or_default();
        let separator = memchr(NAME_VALUE_SEPARATOR, whole);
        let (name, value) = whole.split_at(separator.unwrap_or(whole.len()));
        PropertyPart {
            at,
            whole,
            name,
            value: value.get(1..).unwrap_or_default(),
            has_value: separator.is_some_and(|at| at > 0),
        }
    });
    parts.filter(|part| !part.whole.is_empty())
}

/// Names and values of properties that lie in a larger buffer.
pub(crate) fn iter(text: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    parts(text)
        .filter(|part| part.has_value)
        .filter_map(|part| {
            let name = std::str::from_utf8(part.name).ok()?;
            let value = std::str::from_utf8(part.value).ok()?;
            Some((name, value))
        })
}
