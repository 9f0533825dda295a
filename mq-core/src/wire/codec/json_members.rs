//! The members of a JSON header: numbers that may be written as text, texts that may be any scalar,
//! and the object of fields.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use bytestring::ByteString;
use serde::de::{DeserializeSeed, MapAccess, Visitor};

/// A number, perhaps as text.
pub(super) struct Number;

impl<'de> DeserializeSeed<'de> for Number {
    type Value = Option<i32>;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl Visitor<'_> for Number {
    type Value = Option<i32>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Self::Value, E> {
        value.try_into().map(Some).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Self::Value, E> {
        value.try_into().map(Some).map_err(E::custom)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        text.trim().parse().map(Some).map_err(E::custom)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Any scalar as its text; a slice of the frame where no escape forbids it.
#[derive(Clone, Copy)]
pub(super) struct Scalar<'a> {
    pub(super) source: &'a Bytes,
}

impl<'de> DeserializeSeed<'de> for Scalar<'_> {
    type Value = Option<ByteString>;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scalar<'_> {
    type Value = Option<ByteString>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true or false")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        let slice = self.source.slice_ref(text.as_bytes());
        Ok(ByteString::try_from(slice).ok())
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.into()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(ByteString::from_static(if value {
            "true"
        } else {
            "false"
        })))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(value.to_string().into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(value.to_string().into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Some(value.to_string().into()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// The object `extFields`: its names and values, appended to a list as in a binary header.
pub(super) struct FieldList<'a> {
    pub(super) out: &'a mut BytesMut,
}

impl<'de> DeserializeSeed<'de> for FieldList<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldList<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of fields")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let out = self.out;
        let mut end = out.len();
        while map.next_key_seed(ScalarWriter::name(out))?.is_some() {
            if map.next_value_seed(ScalarWriter::value(out))? {
                end = out.len();
            } else {
                out.truncate(end);
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum ScalarRole {
    Name,
    Value,
}

/// Appends the length and the text of a scalar; the result is `false` for `null`, which appends
/// nothing.
struct ScalarWriter<'a> {
    out: &'a mut BytesMut,
    role: ScalarRole,
}

impl<'a> ScalarWriter<'a> {
    fn name(out: &'a mut BytesMut) -> Self {
        let role = ScalarRole::Name;
        Self { out, role }
    }

    fn value(out: &'a mut BytesMut) -> Self {
        let role = ScalarRole::Value;
        Self { out, role }
    }
}

impl<'de> DeserializeSeed<'de> for ScalarWriter<'_> {
    type Value = bool;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<bool, D::Error> {
        reader.deserialize_any(self)
    }
}

impl Visitor<'_> for ScalarWriter<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true or false")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<bool, E> {
        match self.role {
            ScalarRole::Name => self.out.put_u16(text.len().try_into().map_err(E::custom)?),
            ScalarRole::Value => self.out.put_u32(text.len().try_into().map_err(E::custom)?),
        }
        self.out.put_slice(text.as_bytes());
        Ok(true)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<bool, E> {
        self.visit_str(if value { "true" } else { "false" })
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<bool, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<bool, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<bool, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }
}
