//! Decompresses a sequence of Zstandard frames, as Java's and Go's clients write them.
//!
//! Invariant: a frame whose window is larger than the allowed body is refused before any of it is
//! decompressed, and a frame with a wrong checksum is refused.

use std::io::{self, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

/// Bytes of the magic number and length of a skippable frame.
const SKIPPABLE_HEADER_SIZE: usize = 8;

pub(super) struct Frames<'a> {
    rest: &'a [u8],
    frame: Option<StreamingDecoder<&'a [u8], FrameDecoder>>,
    window: u64,
}

impl<'a> Frames<'a> {
    /// The frames of `packed`; a frame with a window of more than `window` bytes is refused.
    pub(super) fn new(packed: &'a [u8], window: usize) -> Self {
        Self {
            rest: packed,
            frame: None,
            window: u64::try_from(window).unwrap_or(u64::MAX),
        }
    }

    fn open(&mut self) -> io::Result<()> {
        match StreamingDecoder::new_with_max_window_size(self.rest, self.window) {
            Ok(frame) => self.frame = Some(frame),
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                let skipped = SKIPPABLE_HEADER_SIZE.saturating_add(length);
                let rest = self.rest.get(skipped..);
                self.rest = rest.ok_or_else(|| invalid("a frame ends early"))?;
            }
            Err(error) => return Err(invalid(error)),
        }
        Ok(())
    }

    fn close(&mut self, frame: StreamingDecoder<&'a [u8], FrameDecoder>) -> io::Result<()> {
        let (rest, decoder) = frame.into_parts();
        let expected = decoder.get_checksum_from_data();
        if expected.is_some() && expected != decoder.get_calculated_checksum() {
            return Err(invalid("the checksum is wrong"));
        }
        self.rest = rest;
        Ok(())
    }
}

impl Read for Frames<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(mut frame) = self.frame.take() {
                let read = frame.read(out)?;
                if read > 0 {
                    self.frame = Some(frame);
                    return Ok(read);
                }
                self.close(frame)?;
                if self.rest.is_empty() {
                    return Ok(0);
                }
            }
            self.open()?;
        }
    }
}

fn invalid(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `abc` 2,000 times, as zstd-jni 1.5.2 writes it at level 5, which Java's clients use.
    const JAVAS: [u8; 19] = [
        0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 0x55, 0x00, 0x00, 0x18, 0x61, 0x62, 0x63, 0x01, 0x00,
        0x6a, 0x67, 0xef, 0x86,
    ];

    /// The same with its length and a checksum.
    const WHOLE: [u8; 24] = [
        0x28, 0xb5, 0x2f, 0xfd, 0x64, 0x70, 0x16, 0x55, 0x00, 0x00, 0x18, 0x61, 0x62, 0x63, 0x01,
        0x00, 0x6a, 0x67, 0xef, 0x86, 0x08, 0x5a, 0xb3, 0xa4,
    ];

    const SKIPPED: [u8; 10] = [0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 0xAA, 0xBB];

    fn unpack(packed: &[u8]) -> io::Result<String> {
        let mut out = String::new();
        Frames::new(packed, 1 << 24).read_to_string(&mut out)?;
        Ok(out)
    }

    #[test]
    fn what_other_encoders_write_is_read() {
        let expected = "abc".repeat(2000);

        assert_eq!(unpack(&JAVAS).unwrap(), expected);
        assert_eq!(unpack(&WHOLE).unwrap(), expected);
    }

    #[test]
    fn all_frames_are_read_but_those_to_be_skipped() {
        let frames = [&SKIPPED[..], &JAVAS, &SKIPPED, &WHOLE].concat();

        assert_eq!(unpack(&frames).unwrap(), "abc".repeat(4000));
        assert!(unpack(&frames[..frames.len() - 1]).is_err());
        assert!(unpack(&[&JAVAS[..], b"and more"].concat()).is_err());
        assert!(unpack(&SKIPPED[..9]).is_err());
    }

    #[test]
    fn a_wrong_checksum_is_refused() {
        let mut damaged = WHOLE;
        damaged[23] ^= 1;

        assert_eq!(
            unpack(&damaged).unwrap_err().to_string(),
            "the checksum is wrong"
        );
    }

    #[test]
    fn a_frame_that_wants_to_look_back_too_far_is_refused_before_anything_is_read() {
        let mut out = Vec::new();

        let error = Frames::new(&JAVAS, 1 << 20).read_to_end(&mut out);

        assert!(error.is_err());
        assert!(out.is_empty());
    }

    proptest! {
        /// A decoder that panicked would take the listener's task along.
        #[test]
        fn whatever_comes_is_read_or_refused(
            at in 4_usize..24, bytes in prop::collection::vec(any::<u8>(), 0..20)
        ) {
            let mut packed = WHOLE[..at].to_vec();
            packed.extend(bytes);
            let mut out = Vec::new();
            let read = Frames::new(&packed, 1 << 20).take(1 << 20).read_to_end(&mut out);
            prop_assert!(read.is_err() || out.len() <= 1 << 20);
        }
    }
}
