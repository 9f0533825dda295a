//! Magic numbers and sizes of the record layout, and its checksum.

/// Magic number of a record whose topic length takes one byte.
pub const MAGIC_V1: u32 = 0xDAA3_20A7;
/// Magic number of a record whose topic length takes two bytes: a topic of more than 127 bytes.
pub const MAGIC_V2: u32 = 0xDAA3_20AB;
/// Magic number of the filler at the end of a segment.
pub const MAGIC_BLANK: u32 = 0xCBD4_3194;
/// The least bytes that the filler at the end of a segment takes.
pub const BLANK_SIZE: usize = 8;
/// Bytes of the smallest record there can be: IPv4 hosts, no body, no topic, no properties.
pub const MIN_RECORD_SIZE: usize = 91;

/// CRC-32 without its highest bit, as every checksum of RocketMQ is (`UtilAll.crc32`).
pub fn checksum(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes) & 0x7FFF_FFFF
}
