//! Writes a frame: both lengths, the header, and the body behind it.

use bytes::BytesMut;

use super::codec;
use super::encoding::Encoding;
use super::error::FrameError;
use super::fields::Header;
use super::frame::{HEADER_LENGTH_SIZE, MAX_HEADER_LENGTH};
use super::head::Head;

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
    codec::encode(out, encoding, head, header);
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
