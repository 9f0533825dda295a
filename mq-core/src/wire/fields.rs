//! The fields of a header: text by name, in the order in which they came.
//!
//! Unknown fields stay where they are, so that what a peer added is kept or ignored, never misread.

use std::fmt::{Display, Write as _};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use bytestring::ByteString;

use super::Header;

/// A header may have so many fields; requests have a few dozen.
pub(super) const MAX_FIELDS: usize = 1024;

/// Why a field cannot be used. Answered with a refusal that names it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// It must be there.
    #[error("the field `{0}` is missing")]
    Missing(&'static str),
    /// It is not what it should be.
    #[error("the field `{name}` is `{value}`, expected {expected}")]
    Malformed {
        /// The field.
        name: &'static str,
        /// The beginning of what was found.
        value: String,
        /// What it should have been.
        expected: &'static str,
    },
    /// The list of fields of a binary header is cut.
    #[error("the list of fields is damaged")]
    List,
    /// There are more fields than any request has.
    #[error("there are more than {MAX_FIELDS} fields")]
    TooMany,
}

/// The fields of a header as they came, each `u16 length, name, u32 length, value`: the form of
/// the binary header, whichever they came in. The lengths are right; whether the text is UTF-8
/// shows when it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Bytes);

impl Fields {
    /// Takes the list of a binary header; names and values stay slices of it.
    pub(super) fn from_binary(list: Bytes) -> Result<Self, FieldError> {
        let mut rest: &[u8] = &list;
        let mut count = 0_usize;
        while !rest.is_empty() {
            next(&mut rest).ok_or(FieldError::List)?;
            count = count.saturating_add(1);
            if count > MAX_FIELDS {
                return Err(FieldError::TooMany);
            }
        }
        Ok(Self(list))
    }

    /// The fields of `header`.
    pub fn of(header: &impl Header) -> Self {
        let mut list = BytesMut::new();
        header.write(&mut FieldWriter::binary(&mut list));
        Self(list.freeze())
    }

    /// From names and values.
    pub fn from_pairs(pairs: Vec<(ByteString, ByteString)>) -> Self {
        let mut list = BytesMut::new();
        let mut out = FieldWriter::binary(&mut list);
        for (name, value) in pairs {
            out.put(&name, &value);
        }
        Self(list.freeze())
    }

    /// Bytes that they take in a binary header.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// Names and values in their order, but for those that are not UTF-8.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let text = |bytes| std::str::from_utf8(bytes).ok();
        self.entries()
            .filter_map(move |(name, value)| Some((text(name)?, text(value.value)?)))
    }

    /// Names and values as they came, for `#[derive(Header)]`.
    #[doc(hidden)]
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], FieldText<'_>)> {
        let list = &self.0;
        let mut rest: &[u8] = list;
        std::iter::from_fn(move || {
            let (name, value) = next(&mut rest)?;
            Some((name, FieldText { list, value }))
        })
    }

    /// The value of the first field `name`.
    pub fn get(&self, name: &str) -> Option<ByteString> {
        self.entries()
            .find_map(|(found, value)| (found == name.as_bytes()).then(|| value.to_text())?)
    }
}

impl Header for Fields {
    fn write(&self, out: &mut FieldWriter<'_>) {
        for (name, value) in self.iter() {
            out.put(name, value);
        }
    }

    fn read(fields: &Fields) -> Result<Self, FieldError> {
        Ok(fields.clone())
    }
}

/// A value that has not been copied yet.
#[derive(Clone, Copy, Debug)]
pub struct FieldText<'a> {
    list: &'a Bytes,
    value: &'a [u8],
}

impl<'a> FieldText<'a> {
    /// The value as it came.
    pub fn as_bytes(self) -> &'a [u8] {
        self.value
    }

    /// The text; `None` when it is not UTF-8.
    pub fn as_str(self) -> Option<&'a str> {
        std::str::from_utf8(self.value).ok()
    }

    /// The text as a slice of the frame; `None` when it is not UTF-8.
    pub fn to_text(self) -> Option<ByteString> {
        ByteString::try_from(self.list.slice_ref(self.value)).ok()
    }
}

fn next<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let name_length = usize::from(rest.try_get_u16().ok()?);
    let (name, left) = rest.split_at_checked(name_length)?;
    *rest = left;
    let value_length = usize::try_from(rest.try_get_u32().ok()?).ok()?;
    let (value, left) = rest.split_at_checked(value_length)?;
    *rest = left;
    Some((name, value))
}

/// Writes fields in one of the two encodings.
#[derive(Debug)]
pub struct FieldWriter<'a> {
    out: &'a mut BytesMut,
    style: Style,
}

#[derive(Debug)]
enum Style {
    Binary,
    Json { first: bool },
}

impl<'a> FieldWriter<'a> {
    pub(super) fn binary(out: &'a mut BytesMut) -> Self {
        Self {
            out,
            style: Style::Binary,
        }
    }

    pub(super) fn json(out: &'a mut BytesMut) -> Self {
        Self {
            out,
            style: Style::Json { first: true },
        }
    }

    /// Writes a text.
    pub fn put(&mut self, name: &str, value: &str) {
        match &mut self.style {
            Style::Binary => {
                self.put_name(name);
                self.out
                    .put_u32(u32::try_from(value.len()).unwrap_or(u32::MAX));
                self.out.put_slice(value.as_bytes());
            }
            Style::Json { .. } => {
                self.put_name(name);
                put_json_text(self.out, value);
            }
        }
    }

    /// Writes a value whose text needs no escapes: numbers, `true` and `false`.
    pub fn put_plain(&mut self, name: &str, value: impl Display) {
        self.put_name(name);
        match &mut self.style {
            Style::Binary => {
                let length_at = self.out.len();
                self.out.put_u32(0);
                self.put_display(value);
                let length = self.out.len().saturating_sub(length_at).saturating_sub(4);
                if let Some(slot) = self.out.get_mut(length_at..length_at.saturating_add(4)) {
                    slot.copy_from_slice(&u32::try_from(length).unwrap_or(0).to_be_bytes());
                }
            }
            Style::Json { .. } => {
                self.out.put_u8(b'"');
                self.put_display(value);
                self.out.put_u8(b'"');
            }
        }
    }

    fn put_display(&mut self, value: impl Display) {
        // Writing to a `BytesMut` grows it and cannot fail.
        let written = write!(self.out, "{value}");
        debug_assert!(written.is_ok());
    }

    fn put_name(&mut self, name: &str) {
        match &mut self.style {
            Style::Binary => {
                self.out
                    .put_u16(u16::try_from(name.len()).unwrap_or(u16::MAX));
                self.out.put_slice(name.as_bytes());
            }
            Style::Json { first } => {
                if !std::mem::take(first) {
                    self.out.put_u8(b',');
                }
                put_json_text(self.out, name);
                self.out.put_u8(b':');
            }
        }
    }
}

/// Writes `text` as a JSON string.
pub(super) fn put_json_text(out: &mut BytesMut, text: &str) {
    out.put_u8(b'"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.put_slice(text.as_bytes().get(plain..at).unwrap_or_default());
        plain = at.saturating_add(1);
        match byte {
            b'"' | b'\\' => out.put_slice(&[b'\\', byte]),
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let digit = |n: u8| HEX.get(usize::from(n & 15)).copied().unwrap_or(b'0');
                out.put_slice(b"\\u00");
                out.put_slice(&[digit(byte >> 4), digit(byte)]);
            }
        }
    }
    out.put_slice(text.as_bytes().get(plain..).unwrap_or_default());
    out.put_u8(b'"');
}

/// A type that a field can have.
pub trait FieldValue: Sized {
    /// What a person is told that a text should have been.
    const EXPECTED: &'static str;

    /// Hands the value to `out`, unless it is absent.
    fn write(&self, name: &'static str, out: &mut FieldWriter<'_>);

    /// Reads a text; `None` when it is no such value.
    fn read(text: FieldText<'_>) -> Option<Self>;

    /// What an absent field means.
    ///
    /// # Errors
    ///
    /// [`FieldError::Missing`] when it must be there.
    fn absent(name: &'static str) -> Result<Self, FieldError> {
        Err(FieldError::Missing(name))
    }
}

/// Reads one field, for `#[derive(Header)]`.
///
/// # Errors
///
/// [`FieldError`] names the field that is missing or cannot be read.
#[doc(hidden)]
pub fn read_field<V: FieldValue>(
    name: &'static str,
    text: Option<FieldText<'_>>,
) -> Result<V, FieldError> {
    let Some(text) = text else {
        return V::absent(name);
    };
    V::read(text).ok_or_else(|| FieldError::Malformed {
        name,
        value: String::from_utf8_lossy(text.value)
            .chars()
            .take(64)
            .collect(),
        expected: V::EXPECTED,
    })
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl FieldValue for $number {
            const EXPECTED: &'static str = "a whole number";

            fn write(&self, name: &'static str, out: &mut FieldWriter<'_>) {
                out.put_plain(name, self);
            }

            fn read(text: FieldText<'_>) -> Option<Self> {
                text.as_str()?.trim().parse().ok()
            }
        }
    )*};
}

numbers!(i32, i64, u32, u64);

/// Anything but `true` is false, as Java reads it.
impl FieldValue for bool {
    const EXPECTED: &'static str = "true or false";

    fn write(&self, name: &'static str, out: &mut FieldWriter<'_>) {
        out.put_plain(name, self);
    }

    fn read(text: FieldText<'_>) -> Option<Self> {
        Some(text.value.eq_ignore_ascii_case(b"true"))
    }
}

impl FieldValue for ByteString {
    const EXPECTED: &'static str = "a text";

    fn write(&self, name: &'static str, out: &mut FieldWriter<'_>) {
        out.put(name, self);
    }

    fn read(text: FieldText<'_>) -> Option<Self> {
        text.to_text()
    }
}

/// An absent field, or in a number an empty one: the binary header cannot tell both apart.
impl<V: FieldValue> FieldValue for Option<V> {
    const EXPECTED: &'static str = V::EXPECTED;

    fn write(&self, name: &'static str, out: &mut FieldWriter<'_>) {
        if let Some(value) = self {
            value.write(name, out);
        }
    }

    fn read(text: FieldText<'_>) -> Option<Self> {
        match V::read(text) {
            Some(value) => Some(Some(value)),
            None => text.value.is_empty().then_some(None),
        }
    }

    fn absent(_name: &'static str) -> Result<Self, FieldError> {
        Ok(None)
    }
}
