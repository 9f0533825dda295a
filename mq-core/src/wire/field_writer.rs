//! Writes fields as either encoding has them.

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
    pub fn put_plain(&mut self, name: &str, text: &str) {
        match &mut self.style {
            Style::Binary => self.put(name, text),
            Style::Json { .. } => {
                self.put_name(name);
                self.out.put_u8(b'"');
                self.out.put_slice(text.as_bytes());
                self.out.put_u8(b'"');
            }
        }
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
    if is_plain(text) {
        out.put_slice(text.as_bytes());
    } else {
        put_escaped(out, text);
    }
    out.put_u8(b'"');
}

fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
}

fn put_escaped(out: &mut BytesMut, text: &str) {
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
}
