//! The JSON header (`RemotingSerializable`): one object, all field values as text on output, any
//! scalar as its text on input.

use std::borrow::Cow;
use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use bytestring::ByteString;
use serde::de::{DeserializeSeed, Deserializer as _, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::wire::fields::{MAX_FIELDS, put_json_text};
use crate::wire::{FieldError, FieldWriter, Fields, FrameError, Head, Header, Language};

pub(super) fn decode(header: &Bytes) -> Result<(Head, Fields), FrameError> {
    let mut reader = serde_json::Deserializer::from_slice(header);
    let read = reader.deserialize_map(HeadVisitor { source: header });
    let read = read.and_then(|parts| reader.end().map(|()| parts));
    read.map_err(|error| FrameError::Header(error.to_string()))
}

pub(super) fn encode(out: &mut BytesMut, head: &Head, header: &impl Header) {
    out.put_slice(b"{\"code\":");
    put_number(out, head.code);
    out.put_slice(b",\"language\":\"");
    out.put_slice(head.language.name().as_bytes());
    out.put_slice(b"\",\"version\":");
    put_number(out, head.version);
    out.put_slice(b",\"opaque\":");
    put_number(out, head.opaque);
    out.put_slice(b",\"flag\":");
    put_number(out, head.flag);
    if let Some(remark) = &head.remark {
        out.put_slice(b",\"remark\":");
        put_json_text(out, remark);
    }
    out.put_slice(b",\"extFields\":{");
    header.write(&mut FieldWriter::json(out));
    out.put_slice(b"},\"serializeTypeCurrentRPC\":\"JSON\"}");
}

fn put_number(out: &mut BytesMut, number: i32) {
    // Writing to a `BytesMut` grows it and cannot fail.
    let written = fmt::Write::write_fmt(out, format_args!("{number}"));
    debug_assert!(written.is_ok());
}

struct HeadVisitor<'a> {
    source: &'a Bytes,
}

impl<'de> Visitor<'de> for HeadVisitor<'_> {
    type Value = (Head, Fields);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a remoting header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut code = None;
        let mut head = Head {
            code: 0,
            language: Language::Other,
            version: 0,
            opaque: 0,
            flag: 0,
            remark: None,
        };
        let mut fields = Vec::new();
        let scalar = Scalar {
            source: self.source,
        };
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            match &*name {
                "code" => code = number(map.next_value_seed(scalar)?)?,
                "version" => head.version = number(map.next_value_seed(scalar)?)?.unwrap_or(0),
                "opaque" => head.opaque = number(map.next_value_seed(scalar)?)?.unwrap_or(0),
                "flag" => head.flag = number(map.next_value_seed(scalar)?)?.unwrap_or(0),
                "remark" => head.remark = map.next_value_seed(scalar)?,
                "language" => {
                    let name = map.next_value_seed(scalar)?;
                    head.language = Language::from_name(name.as_deref().unwrap_or_default());
                }
                "extFields" => {
                    fields = map.next_value_seed(FieldList {
                        source: self.source,
                    })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        head.code = code.ok_or_else(|| A::Error::missing_field("code"))?;
        head.remark = head.remark.filter(|remark| !remark.is_empty());
        Ok((head, Fields::from_pairs(fields)))
    }
}

fn number<E: serde::de::Error>(text: Option<ByteString>) -> Result<Option<i32>, E> {
    text.map(|text| text.trim().parse().map_err(E::custom))
        .transpose()
}

/// Any scalar as its text; a slice of the frame where no escape forbids it.
#[derive(Clone, Copy)]
struct Scalar<'a> {
    source: &'a Bytes,
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

/// The object `extFields`: names and scalars in their order.
struct FieldList<'a> {
    source: &'a Bytes,
}

impl<'de> DeserializeSeed<'de> for FieldList<'_> {
    type Value = Vec<(ByteString, ByteString)>;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldList<'_> {
    type Value = Vec<(ByteString, ByteString)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of fields")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let scalar = Scalar {
            source: self.source,
        };
        let mut fields = Vec::new();
        while let Some(name) = map.next_key_seed(scalar)? {
            if let (Some(name), Some(value)) = (name, map.next_value_seed(scalar)?) {
                if fields.len() == MAX_FIELDS {
                    return Err(A::Error::custom(FieldError::TooMany));
                }
                fields.push((name, value));
            }
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Result<(Head, Fields), FrameError> {
        decode(&Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn scalars_of_every_kind_are_read_as_text() {
        let (_, fields) = read(
            r#"{"code":310,"opaque":1,"extFields":{"d":4,"g":1795150258401,"k":false,"i":"a\u0001b","x":null}}"#,
        )
        .unwrap();

        assert_eq!(fields.get("d").unwrap(), "4");
        assert_eq!(fields.get("g").unwrap(), "1795150258401");
        assert_eq!(fields.get("k").unwrap(), "false");
        assert_eq!(fields.get("i").unwrap(), "a\u{1}b");
        assert!(fields.get("x").is_none());
    }

    #[test]
    fn missing_unknown_and_null_members_are_no_error() {
        let (head, fields) =
            read(r#"{"flag":2,"code":11,"remark":null,"extFields":null,"zone":[{}],"language":"KLINGON"}"#)
                .unwrap();

        assert!(head.is_one_way());
        assert_eq!(head.language, Language::Other);
        assert_eq!(fields.iter().count(), 0);
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for text in [
            "",
            "{",
            "[]",
            r#"{"opaque":1}"#,
            r#"{"code":"x"}"#,
            r#"{"code":1} x"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        let nested = format!(r#"{{"code":1,"a":{}}}"#, "[".repeat(100_000));
        assert!(decode(&Bytes::from(nested)).is_err());
    }
}
