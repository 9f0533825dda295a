//! Writes a header in either encoding: JSON with all field values as text, or the ROCKETMQ binary form.

use std::fmt;

use bytes::{BufMut, BytesMut};

use crate::wire::field_writer::{FieldWriter, put_json_text};
use crate::wire::fields::Header;
use crate::wire::head::Head;

pub(super) fn json(out: &mut BytesMut, head: &Head, header: &impl Header) {
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

pub(super) fn binary(out: &mut BytesMut, head: &Head, header: &impl Header) {
    out.put_i16(i16::try_from(head.code).unwrap_or(i16::MAX));
    out.put_u8(head.language.to_number());
    out.put_i16(i16::try_from(head.version).unwrap_or(i16::MAX));
    out.put_i32(head.opaque);
    out.put_i32(head.flag);
    let remark = head.remark.as_deref().unwrap_or_default();
    out.put_u32(u32::try_from(remark.len()).unwrap_or(u32::MAX));
    out.put_slice(remark.as_bytes());
    let length_at = out.len();
    out.put_u32(0);
    header.write(&mut FieldWriter::binary(out));
    let length = out.len().saturating_sub(length_at).saturating_sub(4);
    if let Some(slot) = out.get_mut(length_at..length_at.saturating_add(4)) {
        slot.copy_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    }
}
