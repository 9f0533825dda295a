//! The fields of a header: text by name, in the order in which they came.
//!
//! Unknown fields stay where they are, so that what a peer added is kept or ignored, never misread.

use bytes::{Buf, Bytes, BytesMut};
use bytestring::ByteString;

use super::error::{FieldError, MAX_FIELDS};
use super::field_writer::FieldWriter;

/// The fields of a request or an answer (`CommandCustomHeader`); `#[derive(Header)]` writes it.
pub trait Header: Sized {
    /// Hands every field that is set to `out`.
    fn write(&self, out: &mut FieldWriter<'_>);

    /// Takes the fields that belong to this header and leaves the rest.
    ///
    /// # Errors
    ///
    /// [`FieldError`] names the field that is missing or cannot be read.
    fn read(fields: &Fields) -> Result<Self, FieldError>;
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
