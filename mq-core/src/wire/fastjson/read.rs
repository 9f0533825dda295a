//! The reader: a serde `Deserializer` that goes through the text once and copies nothing but what
//! a type keeps.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use serde::de::value::{BorrowedStrDeserializer, CowStrDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::{BodyError, MAX_CONTAINERS, MAX_DEPTH, MAX_VALUES};

type Result<T> = std::result::Result<T, BodyError>;

/// Reads a body.
///
/// # Errors
///
/// [`BodyError`] when the text is not UTF-8, not JSON even in this dialect, too deep or too large,
/// or not a `T`.
///
/// ```
/// # use std::collections::BTreeMap;
/// # use mq_core::wire::fastjson;
/// let table: BTreeMap<i64, String> = fastjson::read(br#"{0:"a",'1':2,"3":null,}"#)?;
/// assert_eq!(table, BTreeMap::from([(0, "a".to_owned()), (1, "2".to_owned())]));
/// # Ok::<_, fastjson::BodyError>(())
/// ```
pub fn read<'de, T: Deserialize<'de>>(text: &'de [u8]) -> Result<T> {
    let text = std::str::from_utf8(text).map_err(|error| BodyError {
        at: error.valid_up_to(),
        reason: "it is not UTF-8".to_owned(),
    })?;
    let mut reader = Reader::new(text);
    let value = T::deserialize(&mut reader).map_err(|error| reader.locate(error))?;
    reader.end()?;
    Ok(value)
}

struct Reader<'de> {
    text: &'de str,
    at: usize,
    depth: u32,
    values: u32,
    containers: u32,
}

impl<'de> Reader<'de> {
    fn new(text: &'de str) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            values: 0,
            containers: 0,
        }
    }

    /// Errors of serde do not know where they happened.
    fn locate(&self, error: BodyError) -> BodyError {
        match error.at {
            0 => self.error(error.reason),
            _ => error,
        }
    }

    fn error(&self, reason: impl Display) -> BodyError {
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
    fn peek(&mut self) -> Result<u8> {
        self.skip_while(|byte| byte.is_ascii_whitespace());
        self.here().ok_or_else(|| self.error("it ends early"))
    }

    fn expect(&mut self, wanted: u8) -> Result<()> {
        if self.peek()? != wanted {
            return Err(self.error(format!("expected `{}`", char::from(wanted))));
        }
        self.step();
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        match self.peek() {
            Ok(_) => Err(self.error("something follows the value")),
            Err(_) => Ok(()),
        }
    }

    fn count_value(&mut self) -> Result<()> {
        self.values = self.values.saturating_add(1);
        if self.values > MAX_VALUES {
            return Err(self.error(format!("it has more than {MAX_VALUES} values")));
        }
        Ok(())
    }

    fn enter(&mut self, bracket: u8) -> Result<()> {
        self.expect(bracket)?;
        self.depth = self.depth.saturating_add(1);
        self.containers = self.containers.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("it is nested deeper than {MAX_DEPTH}")));
        }
        if self.containers > MAX_CONTAINERS {
            return Err(self.error(format!("it has more than {MAX_CONTAINERS} objects")));
        }
        Ok(())
    }

    fn leave(&mut self, bracket: u8) -> Result<()> {
        self.expect(bracket)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    /// Goes to the next element; `None` in front of the closing bracket.
    fn element(&mut self, first: &mut bool, close: u8) -> Result<Option<()>> {
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
    fn null(&mut self) -> Result<bool> {
        if self.peek()? != b'n' {
            return Ok(false);
        }
        match self.bare()? {
            "null" => Ok(true),
            other => Err(self.error(format!("`{other}` is no value"))),
        }
    }

    /// Letters and digits up to the next mark.
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

    fn number_or_boolean(&mut self) -> Result<&'de str> {
        let text = self.bare()?;
        let is_number = || text.parse::<f64>().is_ok_and(f64::is_finite);
        if matches!(text, "true" | "false") || is_number() {
            return Ok(text);
        }
        Err(self.error(format!("`{text}` is no value")))
    }

    /// A text, or the text of a number or boolean.
    fn scalar(&mut self) -> Result<Cow<'de, str>> {
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

    /// One unit, or two that make a pair; half a pair means nothing.
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
    fn key(&mut self) -> Result<Key<'de>> {
        match self.peek()? {
            quote @ (b'"' | b'\'') => self.quoted(quote).map(Key::Text),
            b'{' | b'[' => {
                let start = self.at;
                self.skip_value()?;
                let text = self.text.get(start..self.at).unwrap_or_default();
                Ok(Key::Nested { text, start })
            }
            _ => self.bare().map(|text| Key::Text(Cow::Borrowed(text))),
        }
    }

    fn skip_value(&mut self) -> Result<()> {
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

fn parse<T: FromStr>(text: &str, expected: &str) -> Result<T> {
    let wrong = || {
        let found: String = text.chars().take(64).collect();
        BodyError::new(format!("`{found}` is not {expected}"))
    };
    text.trim().parse().ok().ok_or_else(wrong)
}

/// As fastjson's `castToBoolean`.
fn boolean(text: &str) -> bool {
    matches!(text, "true" | "TRUE" | "True" | "1" | "Y" | "T")
}

/// By name, or by place as Java's ordinals count.
fn variant<'a>(text: &'a str, variants: &'static [&'static str]) -> &'a str {
    let by_place = text.trim().parse().ok();
    let by_place = by_place.and_then(|place: usize| variants.get(place));
    by_place.copied().unwrap_or(text)
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $number:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            visitor.$visit(parse::<$number>(&self.scalar()?, "a whole number in range")?)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = BodyError;

    whole_numbers! {
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.peek()? {
            b'{' => self.deserialize_map(visitor),
            b'[' => self.deserialize_seq(visitor),
            b'"' | b'\'' => self.deserialize_str(visitor),
            b'n' => self.deserialize_unit(visitor),
            _ => {
                let text = self.number_or_boolean()?;
                match (text.parse::<i64>(), text.parse::<u64>()) {
                    _ if matches!(text, "true" | "false") => visitor.visit_bool(boolean(text)),
                    (Ok(number), _) => visitor.visit_i64(number),
                    (_, Ok(number)) => visitor.visit_u64(number),
                    _ => visitor.visit_f64(parse(text, "a number")?),
                }
            }
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_bool(boolean(&self.scalar()?))
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_f32(parse(&self.scalar()?, "a number")?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_f64(parse(&self.scalar()?, "a number")?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        CowStrDeserializer::new(self.scalar()?).deserialize_any(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.null()? {
            return visitor.visit_unit();
        }
        Err(self.error("expected `null`"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.null()? {
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let text = self.scalar()?;
        visitor.visit_enum(variant(&text, variants).into_deserializer())
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.enter(b'[')?;
        let list = visitor.visit_seq(Elements::of(self))?;
        self.leave(b']')?;
        Ok(list)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.enter(b'{')?;
        let object = visitor.visit_map(Elements::of(self))?;
        self.leave(b'}')?;
        Ok(object)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_map(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.skip_value()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit_struct tuple tuple_struct identifier
    }
}

/// What lies between two brackets.
struct Elements<'a, 'de> {
    reader: &'a mut Reader<'de>,
    first: bool,
}

impl<'a, 'de> Elements<'a, 'de> {
    fn of(reader: &'a mut Reader<'de>) -> Self {
        Self {
            reader,
            first: true,
        }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = BodyError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        while self.reader.element(&mut self.first, b']')?.is_some() {
            self.reader.count_value()?;
            if !self.reader.null()? {
                return seed.deserialize(&mut *self.reader).map(Some);
            }
        }
        Ok(None)
    }
}

impl<'de> MapAccess<'de> for Elements<'_, 'de> {
    type Error = BodyError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        while self.reader.element(&mut self.first, b'}')?.is_some() {
            self.reader.count_value()?;
            let key = self.reader.key()?;
            self.reader.expect(b':')?;
            if !self.reader.null()? {
                let depth = self.reader.depth;
                return seed.deserialize(KeyReader { key, depth }).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        seed.deserialize(&mut *self.reader)
    }
}

enum Key<'de> {
    Text(Cow<'de, str>),
    Nested { text: &'de str, start: usize },
}

/// Gives a key to whatever type a map or a struct has for it.
struct KeyReader<'de> {
    key: Key<'de>,
    depth: u32,
}

macro_rules! number_keys {
    ($($method:ident $visit:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            match self.key {
                Key::Text(text) => visitor.$visit(parse(&text, "a whole number in range")?),
                Key::Nested { .. } => Err(BodyError::new("expected a number as key")),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for KeyReader<'de> {
    type Error = BodyError;

    number_keys! {
        deserialize_i8 visit_i8;
        deserialize_i16 visit_i16;
        deserialize_i32 visit_i32;
        deserialize_i64 visit_i64;
        deserialize_u8 visit_u8;
        deserialize_u16 visit_u16;
        deserialize_u32 visit_u32;
        deserialize_u64 visit_u64;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.key {
            Key::Text(text) => CowStrDeserializer::new(text).deserialize_any(visitor),
            Key::Nested { text, .. } => BorrowedStrDeserializer::new(text).deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.key {
            Key::Text(text) => visitor.visit_enum(variant(&text, variants).into_deserializer()),
            Key::Nested { .. } => Err(BodyError::new("expected a name as key")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let Key::Nested { text, start } = self.key else {
            return Err(BodyError::new("expected an object as key"));
        };
        let mut reader = Reader {
            depth: self.depth,
            ..Reader::new(text)
        };
        let value = reader.deserialize_map(visitor);
        value.map_err(|error| BodyError {
            at: start.saturating_add(reader.at),
            reason: error.reason,
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct identifier ignored_any
    }
}
