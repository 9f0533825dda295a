//! The types that a field can have, and how each reads the text that came.

use bytestring::ByteString;

use super::error::FieldError;
use super::field_writer::FieldWriter;
use super::fields::FieldText;

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
#[inline]
pub fn read_field<V: FieldValue>(
    name: &'static str,
    text: Option<FieldText<'_>>,
) -> Result<V, FieldError> {
    match text {
        Some(text) => V::read(text).ok_or_else(|| malformed(name, text, V::EXPECTED)),
        None => V::absent(name),
    }
}

#[cold]
fn malformed(name: &'static str, text: FieldText<'_>, expected: &'static str) -> FieldError {
    FieldError::Malformed {
        name,
        value: String::from_utf8_lossy(text.as_bytes())
            .chars()
            .take(64)
            .collect(),
        expected,
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl FieldValue for $number {
            const EXPECTED: &'static str = "a whole number";

            fn write(&self, name: &'static str, out: &mut FieldWriter<'_>) {
                out.put_plain(name, itoa::Buffer::new().format(*self));
            }

            fn read(text: FieldText<'_>) -> Option<Self> {
                std::str::from_utf8(text.as_bytes().trim_ascii()).ok()?.parse().ok()
            }
        }
    )*};
}

numbers!(i32, i64, u32, u64);

/// Anything but `true` is false, as Java reads it.
impl FieldValue for bool {
    const EXPECTED: &'static str = "true or false";

    fn write(&self, name: &'static str, out: &mut FieldWriter<'_>) {
        out.put_plain(name, if *self { "true" } else { "false" });
    }

    fn read(text: FieldText<'_>) -> Option<Self> {
        Some(text.as_bytes().eq_ignore_ascii_case(b"true"))
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
            None => text.as_bytes().is_empty().then_some(None),
        }
    }

    fn absent(_name: &'static str) -> Result<Self, FieldError> {
        Ok(None)
    }
}
