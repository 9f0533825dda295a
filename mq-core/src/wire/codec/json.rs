//! Reads the JSON header (`RemotingSerializable`): one object, any scalar taken as its text.

use std::fmt;

use bytes::{Bytes, BytesMut};
use serde::de::{Deserializer as _, Error as _, IgnoredAny, MapAccess, Visitor};

use super::json_members::{FieldList, Number, Scalar};
use crate::excerpt::excerpt;
use crate::wire::error::FrameError;
use crate::wire::fields::Fields;
use crate::wire::head::Head;
use crate::wire::language::Language;

pub(super) fn decode(header: &Bytes) -> Result<(Head, Fields), FrameError> {
    let mut reader = serde_json::Deserializer::from_slice(header);
    let read = reader.deserialize_map(HeadVisitor { source: header });
    let read = read.and_then(|parts| reader.end().map(|()| parts));
    let (head, fields) =
        read.map_err(|error| FrameError::Header(excerpt(&error.to_string()).into_owned()))?;
    let fields = Fields::from_binary(fields.freeze()).map_err(FrameError::Field)?;
    Ok((head, fields))
}

struct HeadVisitor<'a> {
    source: &'a Bytes,
}

impl<'de> Visitor<'de> for HeadVisitor<'_> {
    type Value = (Head, BytesMut);

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
        let mut fields = BytesMut::new();
        let scalar = Scalar {
            source: self.source,
        };
        while let Some(name) = map.next_key_seed(scalar)? {
            match name.as_deref().unwrap_or_default() {
                "code" => code = map.next_value_seed(Number)?,
                "version" => head.version = map.next_value_seed(Number)?.unwrap_or(0),
                "opaque" => head.opaque = map.next_value_seed(Number)?.unwrap_or(0),
                "flag" => head.flag = map.next_value_seed(Number)?.unwrap_or(0),
                "remark" => head.remark = map.next_value_seed(scalar)?,
                "language" => {
                    let name = map.next_value_seed(scalar)?;
                    head.language = Language::from_name(name.as_deref().unwrap_or_default());
                }
                "extFields" => {
                    fields.reserve(self.source.len());
                    map.next_value_seed(FieldList { out: &mut fields })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        head.code = code.ok_or_else(|| A::Error::missing_field("code"))?;
        head.remark = head.remark.filter(|remark| !remark.is_empty());
        Ok((head, fields))
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
