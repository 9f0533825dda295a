//! From a body to a type.
//!
//! A type that asks serde for a text or for bytes at the top level gets the body itself; for every
//! other type the body is read as JSON. (Separate trait implementations for `String` and bytes would
//! conflict with the one for all types.)

use std::any::type_name;

use serde::Deserializer;
use serde::de::{DeserializeOwned, Error as _, Visitor};

/// Why a body is not of the type that a listener wants.
#[derive(Debug, thiserror::Error)]
#[error("the body of {length} bytes is no `{wanted}`: {source}")]
pub struct DecodeError {
    wanted: &'static str,
    length: usize,
    source: serde_json::Error,
}

/// Reads `body` as a `T`.
///
/// # Errors
///
/// [`DecodeError`] names the type and says what JSON or UTF-8 has against the body.
///
/// ```
/// # use mq_starter::payload::decode;
/// assert_eq!(decode::<String>(b"Hello")?, "Hello");
/// assert_eq!(decode::<Vec<u8>>(b"[1, 2]")?, [1, 2]);
/// assert!(decode::<i32>(b"Hello").is_err());
/// # Ok::<_, mq_starter::payload::DecodeError>(())
/// ```
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, DecodeError> {
    T::deserialize(BodyDeserializer(body)).map_err(|source| DecodeError {
        wanted: type_name::<T>(),
        length: body.len(),
        source,
    })
}

struct BodyDeserializer<'de>(&'de [u8]);

impl<'de> BodyDeserializer<'de> {
    fn text(&self) -> Result<&'de str, serde_json::Error> {
        std::str::from_utf8(self.0).map_err(serde_json::Error::custom)
    }
}

/// Methods that read JSON: `name(arguments: types)`.
macro_rules! json {
    ($($method:ident($($argument:ident: $ty:ty),*);)*) => {
        $(fn $method<V: Visitor<'de>>(
            self,
            $($argument: $ty,)*
            visitor: V,
        ) -> Result<V::Value, serde_json::Error> {
            let mut json = serde_json::Deserializer::from_slice(self.0);
            let value = json.$method($($argument,)* visitor)?;
            json.end()?;
            Ok(value)
        })*
    };
}

impl<'de> Deserializer<'de> for BodyDeserializer<'de> {
    type Error = serde_json::Error;

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_borrowed_bytes(self.0)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_borrowed_bytes(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0.trim_ascii() {
            b"" | b"null" => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    json! {
        deserialize_any();
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_seq();
        deserialize_tuple(length: usize);
        deserialize_tuple_struct(name: &'static str, length: usize);
        deserialize_map();
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
        deserialize_ignored_any();
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use bytes::Bytes;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Line(String);

    #[test]
    fn a_text_at_the_top_is_the_body_and_a_text_inside_is_json() {
        assert_eq!(decode::<String>(b"\"quoted\"").unwrap(), "\"quoted\"");
        assert_eq!(decode::<Line>(b"a line").unwrap(), Line("a line".into()));
        assert_eq!(decode::<Vec<String>>(b"[\"a\"]").unwrap(), ["a"]);
    }

    #[test]
    fn bytes_need_not_be_text() {
        assert_eq!(decode::<Bytes>(&[0, 255]).unwrap(), vec![0, 255]);
        assert!(decode::<String>(&[0, 255]).is_err());
    }

    #[test]
    fn an_absent_body_is_none() {
        assert_eq!(decode::<Option<i32>>(b"").unwrap(), None);
        assert_eq!(decode::<Option<i32>>(b" null ").unwrap(), None);
        assert_eq!(decode::<Option<i32>>(b"5").unwrap(), Some(5));
    }

    #[test]
    fn what_follows_the_value_is_not_overlooked() {
        assert!(decode::<i32>(b"5 6").is_err());
    }

    #[test]
    fn the_error_names_the_type_and_the_place() {
        let error = decode::<Vec<i32>>(b"[1, x]").unwrap_err();

        assert_eq!(
            error.to_string(),
            "the body of 6 bytes is no `alloc::vec::Vec<i32>`: expected value at line 1 column 5"
        );
        let source = error.source().unwrap().to_string();
        assert_eq!(source, "expected value at line 1 column 5");
    }
}
