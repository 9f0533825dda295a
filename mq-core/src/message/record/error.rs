//! Why bytes are not a record.

/// Why bytes are not a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The bytes end before the record does.
    #[error("the record ends early: {needed} bytes needed, {found} there")]
    Short {
        /// Bytes the record says it has.
        needed: usize,
        /// Bytes there.
        found: usize,
    },
    /// The magic number is neither of the two that records have.
    #[error("{0:#010x} is not the magic number of a record")]
    Magic(u32),
    /// The parts do not add up to the length that the record says it has.
    #[error("the parts of the record do not add up to its length of {total} bytes")]
    Length {
        /// The length the record says it has.
        total: usize,
    },
    /// The body's checksum differs.
    #[error("the body's checksum is {found:#010x}, expected {expected:#010x}")]
    Checksum {
        /// Computed.
        found: u32,
        /// Stored.
        expected: u32,
    },
    /// The topic is not a valid topic name.
    #[error("the topic of the record is not a valid topic name")]
    Topic,
}
