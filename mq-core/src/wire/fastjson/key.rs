//! Keys of objects: text, numbers, or objects. A key that is an object is parsed only when the type
//! that is read wants it.

use serde::de::value::{BorrowedStrDeserializer, CowStrDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::convert::{parse, variant};
use super::error::{BodyError, Result};
use super::scan::{JsonReader, MemberKey};

/// Deserializes a key as the key type of a map or as a field's name of a struct.
pub(super) struct KeyReader<'de> {
    pub(super) key: MemberKey<'de>,
    pub(super) depth: u32,
}

macro_rules! number_keys {
    ($($method:ident $visit:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            match self.key {
                MemberKey::Text(text) => visitor.$visit(parse(&text, "a whole number in range")?),
                MemberKey::Nested { .. } => Err(BodyError::new("expected a number as key")),
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
            MemberKey::Text(text) => CowStrDeserializer::new(text).deserialize_any(visitor),
            MemberKey::Nested { text, .. } => {
                BorrowedStrDeserializer::new(text).deserialize_any(visitor)
            }
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.key {
            MemberKey::Text(text) => {
                visitor.visit_enum(variant(&text, variants).into_deserializer())
            }
            MemberKey::Nested { .. } => Err(BodyError::new("expected a name as key")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let MemberKey::Nested { text, start } = self.key else {
            return Err(BodyError::new("expected an object as key"));
        };
        let mut reader = JsonReader::new(text);
        reader.depth = self.depth;
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
