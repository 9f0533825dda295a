//! A serde `Serializer` that writes strict JSON, except for keys that are objects.

use std::fmt::{Display, Write as _};

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::error::{BodyError, Result};
use crate::wire::field_writer::put_json_text;

/// Writes a body.
///
/// # Panics
///
/// When the type's own `Serialize` refuses its value; no type of [`body`](crate::wire::body) does.
///
/// ```
/// # use std::collections::BTreeMap;
/// # use mq_core::wire::fastjson;
/// assert_eq!(fastjson::write(&BTreeMap::from([(0, "a")])), r#"{"0":"a"}"#);
/// ```
pub fn write<T: Serialize + ?Sized>(value: &T) -> Bytes {
    let mut writer = Writer {
        out: BytesMut::new(),
    };
    value
        .serialize(&mut writer)
        .expect("the writer itself refuses nothing");
    writer.out.freeze()
}

struct Writer {
    out: BytesMut,
}

impl Writer {
    fn put(&mut self, text: impl Display) {
        // Writing to a `BytesMut` grows it and cannot fail.
        let written = write!(self.out, "{text}");
        debug_assert!(written.is_ok());
    }

    fn put_float(&mut self, value: f64) {
        if value.is_finite() {
            self.put(format_args!("{value:?}"));
        } else {
            self.put("null");
        }
    }

    fn open(&mut self, bracket: u8) -> List<'_> {
        self.out.put_u8(bracket);
        List {
            writer: self,
            first: true,
            start: 0,
            tail: match bracket {
                b'{' => "}",
                _ => "]",
            },
        }
    }

    /// The only member of an object: an enum variant with something in it.
    fn open_variant(&mut self, variant: &str, bracket: u8) -> List<'_> {
        self.out.put_u8(b'{');
        put_json_text(&mut self.out, variant);
        self.out.put_u8(b':');
        List {
            tail: match bracket {
                b'{' => "}}",
                _ => "]}",
            },
            ..self.open(bracket)
        }
    }
}

/// An array or an object that is being written.
struct List<'a> {
    writer: &'a mut Writer,
    first: bool,
    /// Where the current member begins in the output.
    start: usize,
    tail: &'static str,
}

impl List<'_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        if !std::mem::take(&mut self.first) {
            self.writer.out.put_u8(b',');
        }
        value.serialize(&mut *self.writer)
    }

    /// Puts quotes around a key that is neither a text nor an object, such as a number.
    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        let out = &mut self.writer.out;
        self.start = out.len();
        if !self.first {
            out.put_u8(b',');
        }
        let begin = out.len();
        key.serialize(&mut *self.writer)?;
        let out = &mut self.writer.out;
        if !matches!(out.get(begin), Some(b'"' | b'{' | b'[')) {
            let bare = out.split_off(begin);
            out.put_u8(b'"');
            out.unsplit(bare);
            out.put_u8(b'"');
        }
        out.put_u8(b':');
        Ok(())
    }

    /// Removes a member whose value is `null`, with its key: absent members are not written.
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let begin = self.writer.out.len();
        value.serialize(&mut *self.writer)?;
        if self.writer.out.get(begin..) == Some(b"null") {
            self.writer.out.truncate(self.start);
        } else {
            self.first = false;
        }
        Ok(())
    }

    fn close(self) {
        self.writer.out.put_slice(self.tail.as_bytes());
    }
}

macro_rules! plain {
    ($($method:ident $type:ty;)*) => {$(
        fn $method(self, value: $type) -> Result<()> {
            self.put(value);
            Ok(())
        }
    )*};
}

impl<'a> Serializer for &'a mut Writer {
    type Ok = ();
    type Error = BodyError;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = List<'a>;
    type SerializeMap = List<'a>;
    type SerializeStruct = List<'a>;
    type SerializeStructVariant = List<'a>;

    plain! {
        serialize_bool bool;
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_u8 u8;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
    }

    fn serialize_f32(self, value: f32) -> Result<()> {
        self.put_float(value.into());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<()> {
        self.put_float(value);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<()> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<()> {
        put_json_text(&mut self.out, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<()> {
        self.put("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<()> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        let mut object = self.open(b'{');
        object.key(variant)?;
        object.value(value)?;
        object.close();
        Ok(())
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<List<'a>> {
        Ok(self.open(b'['))
    }

    fn serialize_tuple(self, _length: usize) -> Result<List<'a>> {
        Ok(self.open(b'['))
    }

    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<List<'a>> {
        Ok(self.open(b'['))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<List<'a>> {
        Ok(self.open_variant(variant, b'['))
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<List<'a>> {
        Ok(self.open(b'{'))
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<List<'a>> {
        Ok(self.open(b'{'))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<List<'a>> {
        Ok(self.open_variant(variant, b'{'))
    }
}

macro_rules! lists {
    ($($what:ident $method:ident;)*) => {$(
        impl $what for List<'_> {
            type Ok = ();
            type Error = BodyError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.element(value)
            }

            fn end(self) -> Result<()> {
                self.close();
                Ok(())
            }
        }
    )*};
}

lists! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

macro_rules! objects {
    ($($what:ident)*) => {$(
        impl $what for List<'_> {
            type Ok = ();
            type Error = BodyError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<()> {
                self.key(key)?;
                self.value(value)
            }

            fn end(self) -> Result<()> {
                self.close();
                Ok(())
            }
        }
    )*};
}

objects! { SerializeStruct SerializeStructVariant }

impl SerializeMap for List<'_> {
    type Ok = ();
    type Error = BodyError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.value(value)
    }

    fn end(self) -> Result<()> {
        self.close();
        Ok(())
    }
}
