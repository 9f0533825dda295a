//! From a type to a body: text and bytes as they are, everything else as JSON.

use std::any::type_name;

use bytes::Bytes;
use serde::ser::{Error as _, Impossible, Serialize, Serializer};

/// Why a payload cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("`{payload}` cannot be written as JSON: {source}")]
pub struct EncodeError {
    payload: &'static str,
    source: serde_json::Error,
}

/// Writes `payload` as a body.
///
/// # Errors
///
/// [`EncodeError`] when JSON cannot express the payload, such as a map whose keys are no texts.
///
/// ```
/// # use mq_starter::payload::encode;
/// assert_eq!(&encode("Hello")?[..], b"Hello");
/// assert_eq!(&encode(&[1, 2])?[..], b"[1,2]");
/// # Ok::<_, mq_starter::payload::EncodeError>(())
/// ```
pub fn encode<T: Serialize + ?Sized>(payload: &T) -> Result<Bytes, EncodeError> {
    encode_as(payload).map(|encoded| encoded.body)
}

/// A body, and how it was written.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) body: Bytes,
    pub(crate) is_json: bool,
}

/// Writes `payload` as a body and says how.
pub(crate) fn encode_as<T: Serialize + ?Sized>(payload: &T) -> Result<Encoded, EncodeError> {
    if let Ok(raw) = payload.serialize(Raw) {
        return Ok(Encoded {
            body: Bytes::from(raw),
            is_json: false,
        });
    }
    let json = serde_json::to_vec(payload).map_err(|source| EncodeError {
        payload: type_name::<T>(),
        source,
    })?;
    Ok(Encoded {
        body: Bytes::from(json),
        is_json: true,
    })
}

/// Takes a text or bytes at the top and refuses everything else.
struct Raw;

#[derive(Debug, thiserror::Error)]
#[error("neither text nor bytes")]
struct NotRaw;

impl serde::ser::Error for NotRaw {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self
    }
}

type Never = Impossible<Vec<u8>, NotRaw>;

macro_rules! refuse {
    ($($method:ident($($ty:ty),*) -> $ok:ty;)*) => {
        $(fn $method(self, $(_: $ty),*) -> Result<$ok, NotRaw> {
            Err(NotRaw)
        })*
    };
}

impl Serializer for Raw {
    type Ok = Vec<u8>;
    type Error = NotRaw;
    type SerializeSeq = Never;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    fn serialize_str(self, text: &str) -> Result<Vec<u8>, NotRaw> {
        Ok(text.as_bytes().to_vec())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Vec<u8>, NotRaw> {
        Ok(bytes.to_vec())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Vec<u8>, NotRaw> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Vec<u8>, NotRaw> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Vec<u8>, NotRaw> {
        Err(NotRaw::custom(""))
    }

    refuse! {
        serialize_bool(bool) -> Vec<u8>;
        serialize_i8(i8) -> Vec<u8>;
        serialize_i16(i16) -> Vec<u8>;
        serialize_i32(i32) -> Vec<u8>;
        serialize_i64(i64) -> Vec<u8>;
        serialize_u8(u8) -> Vec<u8>;
        serialize_u16(u16) -> Vec<u8>;
        serialize_u32(u32) -> Vec<u8>;
        serialize_u64(u64) -> Vec<u8>;
        serialize_f32(f32) -> Vec<u8>;
        serialize_f64(f64) -> Vec<u8>;
        serialize_char(char) -> Vec<u8>;
        serialize_none() -> Vec<u8>;
        serialize_unit() -> Vec<u8>;
        serialize_unit_struct(&'static str) -> Vec<u8>;
        serialize_unit_variant(&'static str, u32, &'static str) -> Vec<u8>;
        serialize_seq(Option<usize>) -> Never;
        serialize_tuple(usize) -> Never;
        serialize_tuple_struct(&'static str, usize) -> Never;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Never;
        serialize_map(Option<usize>) -> Never;
        serialize_struct(&'static str, usize) -> Never;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Never;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde::Serialize;

    use super::*;
    use crate::payload::decode;

    #[derive(Serialize)]
    struct Order {
        id: i64,
    }

    #[test]
    fn text_and_bytes_travel_as_they_are_and_a_struct_as_json() {
        assert_eq!(encode("a \"b\"").unwrap(), "a \"b\"");
        assert_eq!(
            encode(&Bytes::from_static(&[0, 255])).unwrap(),
            vec![0, 255]
        );
        assert_eq!(encode(&Order { id: 5 }).unwrap(), "{\"id\":5}");
    }

    #[test]
    fn what_was_written_is_read_back() {
        let payloads = [Some("a".to_owned()), None];
        for payload in payloads {
            let body = encode(&payload).unwrap();
            assert_eq!(decode::<Option<String>>(&body).unwrap(), payload);
        }
    }

    #[test]
    fn a_payload_that_json_cannot_express_is_an_error() {
        let payload = HashMap::from([(vec![1], 1)]);

        assert!(encode(&payload).is_err());
    }
}
