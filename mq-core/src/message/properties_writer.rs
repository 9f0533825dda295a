//! Writes a property text and its index in one pass.

use bytes::{BufMut, Bytes, BytesMut};

use super::known::PropertyIndex;
use super::property_text::{NAME_VALUE_SEPARATOR, PROPERTY_SEPARATOR, PropertyPart};

/// Builds property texts, one after the other in the same memory.
#[derive(Debug, Default)]
pub(crate) struct PropertiesWriter {
    text: BytesMut,
    index: PropertyIndex,
}

impl PropertiesWriter {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self {
            text: BytesMut::with_capacity(bytes),
            index: PropertyIndex::default(),
        }
    }

    /// Makes room for a text of so many bytes.
    #[cfg(feature = "broker")]
    pub(crate) fn reserve(&mut self, bytes: usize) {
        self.text.reserve(bytes);
    }

    /// Copies a part of another text byte for byte.
    pub(crate) fn keep(&mut self, part: &PropertyPart<'_>) {
        self.index.add_part(part, self.text.len());
        self.text.put_slice(part.whole);
        self.text.put_u8(PROPERTY_SEPARATOR);
    }

    /// Copies a whole text with this index, and adds its last separator if that is missing.
    pub(super) fn put_all(&mut self, text: &[u8], index: &PropertyIndex) {
        self.index.add_index(index, self.text.len());
        self.text.put_slice(text);
        if text.last().is_some_and(|last| *last != PROPERTY_SEPARATOR) {
            self.text.put_u8(PROPERTY_SEPARATOR);
        }
    }

    /// Adds a property. With a separator in name or value it becomes several, as for everybody who
    /// reads the text.
    pub(crate) fn put(&mut self, name: &str, value: &str) {
        let at = self.text.len();
        self.text.put_slice(name.as_bytes());
        self.text.put_u8(NAME_VALUE_SEPARATOR);
        self.text.put_slice(value.as_bytes());
        self.text.put_u8(PROPERTY_SEPARATOR);
        self.index
            .add_text(self.text.get(at..).unwrap_or_default(), at);
    }

    /// The text and its index; what is written next begins another text.
    #[cfg(feature = "broker")]
    pub(super) fn take(&mut self) -> (Bytes, PropertyIndex) {
        let text = self.text.split().freeze();
        (text, std::mem::take(&mut self.index))
    }

    /// The only or the last text, and its index.
    pub(super) fn finish(self) -> (Bytes, PropertyIndex) {
        (self.text.freeze(), self.index)
    }
}
