//! A frame: length, kind of header and its length, header, body.

use bytes::{Buf, Bytes, BytesMut};

use super::codec;
use super::command::RemotingCommand;
use super::encode::{HEADER_LENGTH_SIZE, MAX_HEADER_LENGTH};
use super::encoding::Encoding;
use super::error::FrameError;

/// The longest frame that Apache's programs take: 16 MiB behind the length.
pub const DEFAULT_LIMIT: usize = 16 * 1024 * 1024;

const LENGTH_SIZE: usize = 4;

/// One frame, its header still in one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// How the header is encoded.
    pub encoding: Encoding,
    /// The header.
    pub header: Bytes,
    /// The body; empty when there is none.
    pub body: Bytes,
}

impl RemotingCommand {
    /// Takes a frame's header apart. Fields and body are slices of the frame.
    ///
    /// # Errors
    ///
    /// [`FrameError::Header`] when the header cannot be read: the connection is then beyond repair.
    pub fn from_frame(frame: Frame) -> Result<Self, FrameError> {
        let (head, fields) = codec::decode(frame.encoding, &frame.header)?;
        Ok(Self {
            encoding: frame.encoding,
            head,
            fields,
            body: frame.body,
        })
    }
}

/// Takes one frame off the front of `buffer`.
///
/// `Ok(None)` means "not all here yet": nothing is consumed and the caller reads more. That is the
/// ordinary case on a socket, so it is no error.
///
/// # Errors
///
/// [`FrameError::TooLong`] as soon as the length is known, before the body is waited for: a peer
/// cannot make us hold more than `limit` bytes. The connection is then beyond repair; close it.
///
/// ```
/// # use bytes::BytesMut;
/// # use mq_core::wire::{FrameError, frame::decode};
/// let mut half = BytesMut::from(&b"\0\0\0\x08\0\0\0\x02{}"[..]);
/// assert!(decode(&mut half, 1024)?.is_none());
/// half.extend_from_slice(b"ab");
/// assert_eq!(&decode(&mut half, 1024)?.unwrap().body[..], b"ab");
/// # Ok::<_, FrameError>(())
/// ```
pub fn decode(buffer: &mut BytesMut, limit: usize) -> Result<Option<Frame>, FrameError> {
    let Some(mut front) = buffer.get(..LENGTH_SIZE) else {
        return Ok(None);
    };
    let length = front.get_u32() as usize;
    if length > limit {
        return Err(FrameError::TooLong { length, limit });
    }
    if length < HEADER_LENGTH_SIZE {
        return Err(FrameError::TooShort { length, header: 0 });
    }
    let Some(mut front) = buffer.get(LENGTH_SIZE..LENGTH_SIZE.saturating_add(HEADER_LENGTH_SIZE))
    else {
        return Ok(None);
    };
    let encoding = Encoding::from_wire(front.get_u8())?;
    let header = front.get_uint(3);
    let header = usize::try_from(header).unwrap_or(MAX_HEADER_LENGTH);
    if header > length.saturating_sub(HEADER_LENGTH_SIZE) {
        return Err(FrameError::TooShort { length, header });
    }
    if buffer.len() < LENGTH_SIZE.saturating_add(length) {
        return Ok(None);
    }
    buffer.advance(LENGTH_SIZE);
    let mut frame = buffer.split_to(length).freeze();
    frame.advance(HEADER_LENGTH_SIZE);
    let header = frame.split_to(header);
    Ok(Some(Frame {
        encoding,
        header,
        body: frame,
    }))
}

/// How many bytes `buffer` must hold before [`decode`] can return a frame, as far as the bytes that
/// have arrived tell.
pub fn wanted(buffer: &[u8]) -> usize {
    match buffer.get(..LENGTH_SIZE) {
        Some(mut front) => LENGTH_SIZE.saturating_add(front.get_u32() as usize),
        None => LENGTH_SIZE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(length: u32, kind: u8, header: u32, rest: &[u8]) -> BytesMut {
        let mut bytes = BytesMut::new();
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&((u32::from(kind) << 24) | header).to_be_bytes());
        bytes.extend_from_slice(rest);
        bytes
    }

    #[test]
    fn a_frame_longer_than_the_limit_is_refused_before_it_arrives() {
        let mut bytes = framed(1025, 0, 2, b"");

        assert_eq!(
            decode(&mut bytes, 1024),
            Err(FrameError::TooLong {
                length: 1025,
                limit: 1024
            })
        );
    }

    #[test]
    fn lengths_that_contradict_each_other_are_refused() {
        assert!(decode(&mut framed(0, 0, 0, b""), 1024).is_err());
        assert!(decode(&mut framed(3, 0, 0, b""), 1024).is_err());
        assert!(decode(&mut framed(8, 0, 5, b"abcd"), 1024).is_err());
        assert!(decode(&mut framed(u32::MAX, 0, 5, b"abcd"), 1024).is_err());
        assert!(decode(&mut framed(8, 2, 4, b"abcd"), 1024).is_err());
    }

    #[test]
    fn a_frame_that_is_not_all_here_consumes_nothing() {
        let whole = framed(10, 1, 4, b"headbo");
        for end in 0..whole.len() {
            let mut part = BytesMut::from(&whole[..end]);

            assert_eq!(decode(&mut part, 1024), Ok(None), "{end} bytes");
            assert_eq!(part.len(), end);
        }
    }
}
