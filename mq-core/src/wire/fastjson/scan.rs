//! The scanner: punctuation, texts, numbers and keys of the dialect, and the limits on them.

use std::borrow::Cow;
use std::fmt::Display;

use super::error::{BodyError, Result};

/// The deepest nesting of arrays and objects.
pub const MAX_DEPTH: u32 = 32;

/// The number of values that any text may have; a longer text may have one for every four bytes.
pub const MAX_VALUES: usize = 1 << 21;

/// The number of arrays and objects that any text may have; a longer text may have one for every 32
/// bytes.
pub const MAX_CONTAINERS: usize = 1 << 18;

/// The key of a member, before its type is known.
pub(super) enum MemberKey<'de> {
    Text(Cow<'de, str>),
    Nested { text: &'de str, start: usize },
}

/// The position in a text, and how many values and containers are still allowed.
pub(super) struct JsonReader<'de> {
    pub(super) text: &'de str,
    pub(super) at: usize,
    pub(super) depth: u32,
    values_left: usize,
    containers_left: usize,
}

impl<'de> JsonReader<'de> {
    pub(super) fn new(text: &'de str) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            values_left: MAX_VALUES.max(text.len() / 4),
            containers_left: MAX_CONTAINERS.max(text.len() / 32),
        }
    }

    /// Adds the position to an error of serde, which has none.
    pub(super) fn locate(&self, error: BodyError) -> BodyError {
        match error.at {
            0 => self.error(error.reason),
            _ => error,
        }
    }

    pub(super) fn error(&self, reason: impl Display) -> BodyError {
        BodyError {
            at: self.at,
            reason: reason.to_string(),
        }
    }

    fn here(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn skip_while(&mut self, skipped: impl Fn(u8) -> bool) {
        while self.here().is_some_and(&skipped) {
            self.step();
        }
    }

    /// The next byte that is no whitespace.
    pub(super) fn peek(&mut self) -> Result<u8> {
        self.skip_while(|byte| byte.is_ascii_whitespace());
        self.here().ok_or_else(|| self.error("the text ends early"))
    }

    pub(super) fn expect(&mut self, wanted: u8) -> Result<()> {
        if self.peek()? != wanted {
            return Err(self.error(format!("expected `{}`", char::from(wanted))));
        }
        self.step();
        Ok(())
    }

    pub(super) fn end(&mut self) -> Result<()> {
        match self.peek() {
            Ok(_) => Err(self.error("something follows the value")),
            Err(_) => Ok(()),
        }
    }

    pub(super) fn count_value(&mut self) -> Result<()> {
        let left = self.values_left.checked_sub(1);
        self.values_left = left.ok_or_else(|| self.error("the text has too many values"))?;
        Ok(())
    }

    pub(super) fn enter(&mut self, bracket: u8) -> Result<()> {
        self.expect(bracket)?;
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("the text is nested deeper than {MAX_DEPTH}")));
        }
        let left = self.containers_left.checked_sub(1);
        self.containers_left = left.ok_or_else(|| self.error("the text has too many objects"))?;
        Ok(())
    }

    pub(super) fn leave(&mut self, bracket: u8) -> Result<()> {
        self.expect(bracket)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    /// Goes to the next element; `None` in front of the closing bracket.
    pub(super) fn element(&mut self, first: &mut bool, close: u8) -> Result<Option<()>> {
        let before = self.at;
        self.skip_while(|byte| byte == b',' || byte.is_ascii_whitespace());
        let between = self.text.get(before..self.at).unwrap_or_default();
        if self.peek()? == close {
            return Ok(None);
        }
        if !std::mem::take(first) && !between.contains(',') {
            return Err(self.error("expected `,`"));
        }
        Ok(Some(()))
    }

    /// Steps over a `null`.
    pub(super) fn null(&mut self) -> Result<bool> {
        if self.peek()? != b'n' {
            return Ok(false);
        }
        match self.bare()? {
            "null" => Ok(true),
            other => Err(self.error(format!("`{other}` is no value"))),
        }
    }

    /// Letters and digits up to the next punctuation.
    fn bare(&mut self) -> Result<&'de str> {
        let start = self.at;
        let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._$".contains(&byte);
        self.skip_while(inside);
        let text = self.text.get(start..self.at).unwrap_or_default();
        if text.is_empty() {
            return Err(self.error("expected a value"));
        }
        Ok(text)
    }

    pub(super) fn number_or_boolean(&mut self) -> Result<&'de str> {
        let text = self.bare()?;
        let is_number = || text.parse::<f64>().is_ok_and(f64::is_finite);
        if matches!(text, "true" | "false") || is_number() {
            return Ok(text);
        }
        Err(self.error(format!("`{text}` is no value")))
    }

    /// A text, or the text of a number or boolean.
    pub(super) fn scalar(&mut self) -> Result<Cow<'de, str>> {
        match self.peek()? {
            quote @ (b'"' | b'\'') => self.quoted(quote),
            b'{' | b'[' => Err(self.error("expected a text or a number")),
            _ => self.number_or_boolean().map(Cow::Borrowed),
        }
    }

    fn quoted(&mut self, quote: u8) -> Result<Cow<'de, str>> {
        self.step();
        let mut start = self.at;
        let mut unescaped = String::new();
        loop {
            self.skip_while(|byte| byte != quote && byte != b'\\');
            let plain = self.text.get(start..self.at).unwrap_or_default();
            let Some(byte) = self.here() else {
                return Err(self.error("a text does not end"));
            };
            self.step();
            if byte == quote && unescaped.is_empty() {
                return Ok(Cow::Borrowed(plain));
            }
            unescaped.push_str(plain);
            if byte == quote {
                return Ok(Cow::Owned(unescaped));
            }
            unescaped.push(self.escape()?);
            start = self.at;
        }
    }

    fn escape(&mut self) -> Result<char> {
        let Some(byte) = self.here() else {
            return Err(self.error("a text does not end"));
        };
        self.step();
        Ok(match byte {
            b'"' | b'\'' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' | b'F' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'v' => '\u{b}',
            b'0'..=b'7' => char::from(byte.wrapping_sub(b'0')),
            b'x' => char::from_u32(self.hex(2)?).unwrap_or(char::REPLACEMENT_CHARACTER),
            b'u' => self.utf16()?,
            _ => return Err(self.error("unknown escape")),
        })
    }

    /// The character of one `\u` escape, or of two that form a surrogate pair. A lone surrogate becomes
    /// U+FFFD.
    fn utf16(&mut self) -> Result<char> {
        let first = self.hex(4)?;
        let rest = self.text.get(self.at..).unwrap_or_default();
        if !(0xD800..0xDC00).contains(&first) || !rest.starts_with("\\u") {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let before = self.at;
        self.at = self.at.saturating_add(2);
        let second = self.hex(4)?;
        if !(0xDC00..0xE000).contains(&second) {
            self.at = before;
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let high = first.wrapping_sub(0xD800) << 10;
        let low = second.wrapping_sub(0xDC00);
        let code = high.wrapping_add(low).wrapping_add(0x1_0000);
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self, digits: usize) -> Result<u32> {
        let end = self.at.saturating_add(digits);
        let text = self.text.get(self.at..end).unwrap_or_default();
        let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = u32::from_str_radix(text, 16).ok().filter(|_| all);
        self.at = end;
        value.ok_or_else(|| self.error("an escape lacks its digits"))
    }

    /// The key of a member; an object that is a key is stepped over and read when it is asked for.
    pub(super) fn key(&mut self) -> Result<MemberKey<'de>> {
        match self.peek()? {
            quote @ (b'"' | b'\'') => self.quoted(quote).map(MemberKey::Text),
            b'{' | b'[' => {
                let start = self.at;
                self.skip_value()?;
                let text = self.text.get(start..self.at).unwrap_or_default();
                Ok(MemberKey::Nested { text, start })
            }
            _ => self.bare().map(|text| MemberKey::Text(Cow::Borrowed(text))),
        }
    }

    pub(super) fn skip_value(&mut self) -> Result<()> {
        self.count_value()?;
        let mut first = true;
        match self.peek()? {
            b'{' => {
                self.enter(b'{')?;
                while self.element(&mut first, b'}')?.is_some() {
                    self.key()?;
                    self.expect(b':')?;
                    self.skip_value()?;
                }
                self.leave(b'}')
            }
            b'[' => {
                self.enter(b'[')?;
                while self.element(&mut first, b']')?.is_some() {
                    self.skip_value()?;
                }
                self.leave(b']')
            }
            _ => {
                if !self.null()? {
                    self.scalar()?;
                }
                Ok(())
            }
        }
    }
}
