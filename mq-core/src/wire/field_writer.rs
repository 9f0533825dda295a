//! Writes fields as either encoding has them.

use std::fmt::{Display, Write as _};

use bytes::{BufMut, BytesMut};

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
