//! Compressing ("packing") and decompressing of bodies (`Compressor`): zlib, LZ4 and Zstandard
//! frames.

use std::io::{self, Read, Write};

use bytes::Bytes;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use lz4_flex::frame::{FrameDecoder, FrameEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::sys_flag::{Compression, SysFlag};
use super::zstd::Frames;

/// The longest body that a client unpacks, in bytes.
pub const MAX_UNPACKED_BODY: usize = 64 * 1024 * 1024;

/// Why a body cannot be packed or unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompressionError {
    /// Bits that no version of RocketMQ defines.
    #[error("unknown compression type {0:#x}")]
    Unknown(i32),
    /// The decompressed body is longer than allowed.
    #[error(
        "a compressed body of {packed} bytes decompresses to more than the allowed {limit} bytes"
    )]
    TooLong {
        /// The compressed length.
        packed: usize,
        /// The decompressed length that is allowed.
        limit: usize,
    },
    /// The compressed bytes are cut or damaged.
    #[error("a compressed body of {packed} bytes cannot be decompressed: {source}")]
    Damaged {
        /// The compressed length.
        packed: usize,
        /// What the decoder said.
        source: io::Error,
    },
}

/// Decompresses a body as its system flag says; an uncompressed body is returned as it is.
///
/// # Errors
///
/// [`CompressionError`] when the compression type is unknown, the body is damaged, or it has more
/// than `limit` bytes. Decompression stops there: memory stays within a few times `limit`.
pub fn unpack(body: &Bytes, flag: SysFlag, limit: usize) -> Result<Bytes, CompressionError> {
    match flag.compression() {
        Ok(None) => Ok(body.clone()),
        Ok(Some(Compression::Zlib)) => unzip(body, limit),
        Ok(Some(Compression::Lz4)) => {
            read(FrameDecoder::new(CutIsAnError(body)), body.len(), limit)
        }
        Ok(Some(Compression::Zstd)) => read(Frames::new(body, limit), body.len(), limit),
        Err(bits) => Err(CompressionError::Unknown(bits)),
    }
}

/// Compresses a body. `level`, 0 to 9, applies to zlib only; Java's clients use 5.
///
/// # Errors
///
/// [`CompressionError::Damaged`] when the library fails, which it does not in memory.
pub fn pack(body: &[u8], compression: Compression, level: u32) -> Result<Bytes, CompressionError> {
    match compression {
        Compression::Zlib => zip(body, level),
        Compression::Lz4 => {
            let mut out = FrameEncoder::new(Vec::new());
            let packed = out.write_all(body);
            let packed = packed.and_then(|()| out.finish().map_err(io::Error::from));
            done(packed, body.len())
        }
        Compression::Zstd => Ok(compress_to_vec(body, CompressionLevel::Fastest).into()),
    }
}

/// Decompresses a zlib stream.
///
/// # Errors
///
/// [`CompressionError`] when it is damaged or has more than `limit` bytes.
pub fn unzip(body: &[u8], limit: usize) -> Result<Bytes, CompressionError> {
    read(ZlibDecoder::new(body), body.len(), limit)
}

/// Compresses into a zlib stream; `level` is 0 to 9.
///
/// # Errors
///
/// [`CompressionError::Damaged`] when the library fails, which it does not in memory.
pub fn zip(body: &[u8], level: u32) -> Result<Bytes, CompressionError> {
    let level = flate2::Compression::new(level.min(9));
    let mut out = ZlibEncoder::new(Vec::new(), level);
    done(out.write_all(body).and_then(|()| out.finish()), body.len())
}

/// Turns the end of the slice into an error, because the LZ4 decoder would take a cut frame for a
/// complete one.
struct CutIsAnError<'a>(&'a [u8]);

impl Read for CutIsAnError<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.0.read(out)? {
            0 if !out.is_empty() => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the frame ends early",
            )),
            read => Ok(read),
        }
    }
}

fn read(reader: impl Read, packed: usize, limit: usize) -> Result<Bytes, CompressionError> {
    let beyond = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut out = Vec::new();
    let read = reader.take(beyond).read_to_end(&mut out);
    read.map_err(|source| CompressionError::Damaged { packed, source })?;
    if out.len() > limit {
        return Err(CompressionError::TooLong { packed, limit });
    }
    Ok(out.into())
}

fn done(packed: io::Result<Vec<u8>>, length: usize) -> Result<Bytes, CompressionError> {
    let packed = packed.map(Bytes::from);
    packed.map_err(|source| CompressionError::Damaged {
        packed: length,
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 4 * 1024 * 1024;
    const ALL: [Compression; 3] = [Compression::Zlib, Compression::Lz4, Compression::Zstd];

    fn flag(compression: Compression) -> SysFlag {
        SysFlag::default().compressed_by(compression)
    }

    #[test]
    fn what_was_packed_is_unpacked() {
        let body = Bytes::from("abc".repeat(10_000));
        for kind in ALL {
            let packed = pack(&body, kind, 5).unwrap();

            assert!(packed.len() < body.len() / 10);
            assert_eq!(unpack(&packed, flag(kind), LIMIT).unwrap(), body);
        }
    }

    #[test]
    fn a_stream_of_javas_deflater_is_unpacked() {
        let packed = [
            0x78, 0x5e, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x06, 0x2c, 0x02, 0x15,
        ];

        assert_eq!(unzip(&packed, 5).unwrap(), "hello");
    }

    #[test]
    fn a_bomb_is_refused_without_unpacking_all_of_it() {
        for kind in ALL {
            let bomb = pack(&vec![0; 16 * 1024 * 1024], kind, 9).unwrap();

            let error = unpack(&bomb, flag(kind), LIMIT).unwrap_err();

            let expected = matches!(error, CompressionError::TooLong { limit: LIMIT, .. });
            assert!(expected, "{kind:?}: {error}");
        }
    }

    #[test]
    fn a_torn_or_foreign_body_is_refused() {
        for kind in ALL {
            let packed = pack(b"some words that are long enough to matter", kind, 5).unwrap();
            for end in 0..packed.len() {
                let torn = packed.slice(..end);
                assert!(unpack(&torn, flag(kind), LIMIT).is_err(), "{kind:?} {end}");
            }
            assert!(unpack(&Bytes::from_static(b"plain"), flag(kind), LIMIT).is_err());
        }
    }

    #[test]
    fn a_kind_that_nobody_defines_is_refused() {
        let error = unpack(&Bytes::new(), SysFlag(0x701), LIMIT).unwrap_err();

        assert_eq!(error.to_string(), "unknown compression type 0x700");
    }
}
