//! Writes a frame: both lengths, the header in either encoding, and the body behind it.

use bytes::{BufMut, BytesMut};

use super::encoding::Encoding;
use super::error::FrameError;
use super::field_writer::{FieldWriter, put_json_text};
use super::fields::Header;
use super::head::Head;

pub(super) const HEADER_LENGTH_SIZE: usize = 4;
pub(super) const MAX_HEADER_LENGTH: usize = 0x00FF_FFFF;

/// Appends a whole frame to `out`.
///
/// # Errors
///
/// [`FrameError::TooLong`] when header or body do not fit into a frame; `out` is then unchanged.
pub fn encode(
    out: &mut BytesMut,
    encoding: Encoding,
    head: &Head,
    header: &impl Header,
    body: &[u8],
) -> Result<(), FrameError> {
    encode_without_body(out, encoding, head, header, body.len())?;
    out.extend_from_slice(body);
    Ok(())
}

/// Appends a frame to `out` whose body of `body_length` bytes the caller writes behind it.
///
/// # Errors
///
/// [`FrameError::TooLong`] when header or body do not fit into a frame; `out` is then unchanged.
pub fn encode_without_body(
    out: &mut BytesMut,
    encoding: Encoding,
    head: &Head,
    header: &impl Header,
    body_length: usize,
) -> Result<(), FrameError> {
    let start = begin(out);
    match encoding {
        Encoding::Json => json(out, head, header),
        Encoding::Binary => binary(out, head, header),
    }
    finish(out, start, encoding, body_length)
}

/// Makes room for both lengths and returns where the frame begins.
fn begin(out: &mut BytesMut) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; 8]);
    start
}

/// Fills in both lengths once the header is written; takes the frame back when it is too long.
fn finish(
    out: &mut BytesMut,
    start: usize,
    encoding: Encoding,
    body_length: usize,
) -> Result<(), FrameError> {
    let header = out.len().saturating_sub(start).saturating_sub(8);
    let length = header
        .saturating_add(HEADER_LENGTH_SIZE)
        .saturating_add(body_length);
    let (Ok(short), true) = (u32::try_from(length), header <= MAX_HEADER_LENGTH) else {
        out.truncate(start);
        return Err(FrameError::TooLong {
            length,
            limit: MAX_HEADER_LENGTH,
        });
    };
    let [.., a, b, c] = header.to_be_bytes();
    if let Some(slot) = out.get_mut(start..start.saturating_add(8)) {
        let [l0, l1, l2, l3] = short.to_be_bytes();
        slot.copy_from_slice(&[l0, l1, l2, l3, encoding.to_wire(), a, b, c]);
    }
    Ok(())
}

/// One object, all field values as text (`RemotingSerializable`).
fn json(out: &mut BytesMut, head: &Head, header: &impl Header) {
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
    out.put_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// The ROCKETMQ form (`RocketMQSerializable`).
fn binary(out: &mut BytesMut, head: &Head, header: &impl Header) {
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
