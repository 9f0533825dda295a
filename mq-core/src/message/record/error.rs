//! Why bytes are no record.

/// Why bytes are no record.
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
    /// Neither of the two record marks.
    #[error("{0:#010x} is no mark of a record")]
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
    /// The topic is no name.
    #[error("the topic is no name")]
    Topic,
}
