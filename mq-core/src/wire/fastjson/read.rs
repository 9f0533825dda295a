//! A serde `Deserializer` that reads the text in one pass and copies only what the value keeps.

use serde::de::value::CowStrDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::convert::{boolean, parse, variant};
use super::error::{BodyError, Result};
use super::key::KeyReader;
use super::scan::JsonReader;

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
        reason: "the text is not UTF-8".to_owned(),
    })?;
    let mut reader = JsonReader::new(text);
    let value = T::deserialize(&mut reader).map_err(|error| reader.locate(error))?;
    reader.end()?;
    Ok(value)
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $number:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            visitor.$visit(parse::<$number>(&self.scalar()?, "a whole number in range")?)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut JsonReader<'de> {
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

/// The elements of an array or the members of an object.
struct Elements<'a, 'de> {
    reader: &'a mut JsonReader<'de>,
    first: bool,
}

impl<'a, 'de> Elements<'a, 'de> {
    fn of(reader: &'a mut JsonReader<'de>) -> Self {
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
